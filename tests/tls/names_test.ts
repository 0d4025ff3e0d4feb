import assert from "node:assert/strict";
import { CertificateNames } from "../../core/tls/names.ts";

const shopEc = { id: "shop ec", names: ["shop.example", "www.shop.example"], keyType: "ec" };
const shopRsa = { id: "shop rsa", names: ["shop.example"], keyType: "rsa" };
const shopOther = { id: "shop ec again", names: ["shop.example"], keyType: "ec" };
const any = { id: "any", names: ["*.shop.example", "*.example"], keyType: "ec" };
const NAMES = new CertificateNames([shopEc, shopRsa, shopOther, any]);

const CASES: readonly (readonly [name: string, found: readonly string[] | undefined])[] = [
  ["shop.example", ["shop ec", "shop rsa"]],
  ["shop.example.", ["shop ec", "shop rsa"]],
  ["www.shop.example", ["shop ec"]],
  ["img.shop.example", ["any"]],
  ["a.img.shop.example", undefined],
  ["other.example", ["any"]],
  ["example", undefined],
  ["", undefined],
  [".", undefined],
  [".example", ["any"]],
  ["*.shop.example", ["any"]],
];

for (const [name, found] of CASES) {
  Deno.test(`CertificateNames.find() gives ${found?.join(" and ") ?? "none"} for "${name}"`, () => {
    assert.deepEqual(NAMES.find(name)?.map(({ id }) => id), found);
  });
}
