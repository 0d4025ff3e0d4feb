/** Keys by PKCS#11 URI, as far as the config file alone says. */
import { isKeyUri, pinAttribute } from "../tls/key_uri.ts";
import { shortened } from "./printable.ts";
import { asList, asMap, type Raw } from "./raw.ts";
import type { Report } from "./rules.ts";

/** A PIN does not belong in the file, which every node has; a key in a device needs the device. */
export function checkKeyUris(raw: Raw, report: Report): void {
  const tls = asMap(raw["tls"]);
  asList(tls["certificates"]).forEach((item, i) => {
    const { key } = asMap(item);
    if (typeof key !== "string" || !isKeyUri(key)) return;
    const at = ["tls", "certificates", i, "key"];
    const attribute = pinAttribute(key);
    if (attribute !== undefined) report(at, "a PKCS#11 URI without a PIN (tls.pkcs11.pin_file has it)", attribute);
    else if (tls["pkcs11"] === undefined) report(at, "tls.pkcs11 with module and pin_file", shortened(key));
  });
}
