import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeLatin1, encodeLatin1 } from "../../core/proxy/http1/latin1.ts";
import { HpackDecoder } from "../../core/proxy/http2/hpack/decoder.ts";
import { encodeLine, encodeStatus, NO_TABLE } from "../../core/proxy/http2/hpack/encoder.ts";
import { HpackError } from "../../core/proxy/http2/hpack/error.ts";
import { MALFORMED } from "../../core/proxy/http2/hpack/field_kinds.ts";
import { cases } from "../soak.ts";
import { ALL_BYTES } from "./huffman_vectors.ts";

function bytesOf(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(hex.replaceAll(" ", "").match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

interface Field {
  readonly line: string;
  readonly isMalformed: boolean;
}

function decode(decoder: HpackDecoder, block: Uint8Array<ArrayBuffer>, maxListBytes = 65_536): Field[] {
  const fields: Field[] = [];
  decoder.decode(block, 0, block.length, {
    field(kind, bytes, start, valueAt, end) {
      const name = decodeLatin1(bytes, start, valueAt - 2);
      const value = decodeLatin1(bytes, valueAt, end - 2);
      assert.equal(decodeLatin1(bytes, start, end), `${name}: ${value}\r\n`);
      fields.push({ line: `${name}: ${value}`, isMalformed: kind === MALFORMED });
    },
  }, maxListBytes);
  return fields;
}

function lines(decoder: HpackDecoder, hex: string): string[] {
  return decode(decoder, bytesOf(hex)).map(({ line }) => line);
}

/** RFC 7541 appendix C: blocks of one connection after another, the fields in them, and the table's size behind each. */
const PUBLISHED: Record<string, [hex: string, fields: string[], tableSize: number][]> = {
  "C.2.1 literal with indexing": [
    ["400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572", ["custom-key: custom-header"], 55],
  ],
  "C.2.2 literal without indexing": [["040c 2f73 616d 706c 652f 7061 7468", [":path: /sample/path"], 0]],
  "C.2.3 literal never indexed": [["1008 7061 7373 776f 7264 0673 6563 7265 74", ["password: secret"], 0]],
  "C.2.4 indexed": [["82", [":method: GET"], 0]],
  "C.3 requests": [
    ["8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d", [
      ":method: GET",
      ":scheme: http",
      ":path: /",
      ":authority: www.example.com",
    ], 57],
    ["8286 84be 5808 6e6f 2d63 6163 6865", [
      ":method: GET",
      ":scheme: http",
      ":path: /",
      ":authority: www.example.com",
      "cache-control: no-cache",
    ], 110],
    ["8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65", [
      ":method: GET",
      ":scheme: https",
      ":path: /index.html",
      ":authority: www.example.com",
      "custom-key: custom-value",
    ], 164],
  ],
  "C.4 requests in Huffman code": [
    ["8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff", [
      ":method: GET",
      ":scheme: http",
      ":path: /",
      ":authority: www.example.com",
    ], 57],
    ["8286 84be 5886 a8eb 1064 9cbf", [
      ":method: GET",
      ":scheme: http",
      ":path: /",
      ":authority: www.example.com",
      "cache-control: no-cache",
    ], 110],
    ["8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf", [
      ":method: GET",
      ":scheme: https",
      ":path: /index.html",
      ":authority: www.example.com",
      "custom-key: custom-value",
    ], 164],
  ],
  // The table of 256 bytes of C.5 and C.6 is said by an update before the first block.
  "C.5 responses, with eviction": [
    [
      "3fe1 0148 0333 3032 5807 7072 6976 6174 6561 1d4d 6f6e 2c20 3231 204f 6374 2032 3031 3320 3230 3a31 333a 3231 " +
      "2047 4d54 6e17 6874 7470 733a 2f2f 7777 772e 6578 616d 706c 652e 636f 6d",
      [
        ":status: 302",
        "cache-control: private",
        "date: Mon, 21 Oct 2013 20:13:21 GMT",
        "location: https://www.example.com",
      ],
      222,
    ],
    ["4803 3330 37c1 c0bf", [
      ":status: 307",
      "cache-control: private",
      "date: Mon, 21 Oct 2013 20:13:21 GMT",
      "location: https://www.example.com",
    ], 222],
    [
      "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f " +
      "6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b " +
      "2076 6572 7369 6f6e 3d31",
      [
        ":status: 200",
        "cache-control: private",
        "date: Mon, 21 Oct 2013 20:13:22 GMT",
        "location: https://www.example.com",
        "content-encoding: gzip",
        "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
      ],
      215,
    ],
  ],
  "C.6 responses in Huffman code, with eviction": [
    [
      "3fe1 0148 8264 0258 85ae c377 1a4b 6196 d07a be94 1054 d444 a820 0595 040b 8166 e082 a62d 1bff 6e91 9d29 ad17 " +
      "1863 c78f 0b97 c8e9 ae82 ae43 d3",
      [
        ":status: 302",
        "cache-control: private",
        "date: Mon, 21 Oct 2013 20:13:21 GMT",
        "location: https://www.example.com",
      ],
      222,
    ],
    ["4883 640e ffc1 c0bf", [
      ":status: 307",
      "cache-control: private",
      "date: Mon, 21 Oct 2013 20:13:21 GMT",
      "location: https://www.example.com",
    ], 222],
    [
      "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 " +
      "dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
      [
        ":status: 200",
        "cache-control: private",
        "date: Mon, 21 Oct 2013 20:13:22 GMT",
        "location: https://www.example.com",
        "content-encoding: gzip",
        "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
      ],
      215,
    ],
  ],
};

for (const [name, blocks] of Object.entries(PUBLISHED)) {
  Deno.test(`HpackDecoder decodes RFC 7541 ${name}`, () => {
    const decoder = new HpackDecoder();
    for (const [hex, fields, tableSize] of blocks) {
      assert.deepEqual(lines(decoder, hex), fields);
      assert.equal(decoder.tableSize, tableSize);
    }
  });
}

Deno.test("HpackDecoder decodes the Huffman code of every byte, as nghttp2 writes it", () => {
  const decoder = new HpackDecoder();
  ALL_BYTES.forEach((hex, row) => {
    const value = Array.from({ length: 16 }, (_, i) => `${String.fromCharCode(row * 16 + i)}012012012012`).join("");
    assert.deepEqual(lines(decoder, hex), [`x: ${value}`]);
  });
});

/** Blocks that must end the connection, RFC 7541: what each breaks. */
const BROKEN: Record<string, string> = {
  "index 0 (6.1)": "80",
  "an index beyond the empty table (2.3.3)": "be",
  "a name's index beyond the empty table (2.3.3)": "7e 01 61",
  "an index beyond a table of one entry (2.3.3)": "40 01 61 01 62 bf",
  "a number longer than any is (5.1)": "ff ff ff ff ff ff 01",
  "a number whose bytes do not end, all zero (5.1)": "ff 80 80 80 80 80 00",
  "a number cut off (5.1)": "ff 80",
  "a string cut off (5.2)": "40 05 61 62",
  "a name without a value (6.2.1)": "40 01 61",
  "a name's length alone (6.2.1)": "40",
  "a table size above the setting (6.3)": "3f e2 1f",
  "a table size update behind a field (4.2)": "82 20",
  "EOS in a string (5.2)": "00 84 ff ff ff fc 01 61",
  "padding of a whole byte (5.2)": "00 82 1f ff 01 61",
  "padding of zeros (5.2)": "00 81 18 01 61",
  "padding that is not all ones (5.2)": "00 81 1e 01 61",
  "a code cut off (5.2)": "00 81 ff 01 61",
};

for (const [what, hex] of Object.entries(BROKEN)) {
  Deno.test(`HpackDecoder refuses ${what}`, () => {
    assert.throws(() => lines(new HpackDecoder(), hex), HpackError);
  });
}

/** Fields that a message may not have, which all the same count for the table: RFC 9113 section 8.2.1. */
const MALFORMED_FIELDS: [name: string, value: string][] = [
  ["Upper", "x"],
  ["", "x"],
  ["sp ace", "x"],
  ["colon:", "x"],
  ["nul\0", "x"],
  ["cr\r", "x"],
  ["lf\n", "x"],
  ["del\x7f", "x"],
  ["high\xe4", "x"],
  [":unknown", "x"],
  [":Path", "x"],
  [":", "x"],
  ["a", "nul\0"],
  ["a", "cr\r\nx: y"],
  ["a", "lf\nx: y"],
  ["a", "\x01"],
  ["a", "del\x7f"],
  ["a", " leading"],
  ["a", "trailing "],
  ["a", "\tleading"],
  ["a", "trailing\t"],
  ["a", " "],
];

function literal(name: string, value: string): Uint8Array<ArrayBuffer> {
  assert.ok(name.length < 127 && value.length < 127);
  return Uint8Array.from(
    [0x40, name.length, ...Array.from(name, code), value.length, ...Array.from(value, code)],
  );
}

function code(character: string): number {
  return character.charCodeAt(0);
}

for (const [name, value] of MALFORMED_FIELDS) {
  Deno.test(`HpackDecoder knows ${JSON.stringify(`${name}: ${value}`)} for malformed, now and from its table`, () => {
    const decoder = new HpackDecoder();
    const expected = [{ line: `${name}: ${value}`, isMalformed: true }];
    assert.deepEqual(decode(decoder, literal(name, value)), expected);
    assert.deepEqual(decode(decoder, bytesOf("be")), expected);
  });
}

Deno.test("HpackDecoder takes a valid value behind a name whose entry has a bad one", () => {
  const decoder = new HpackDecoder();
  decode(decoder, literal("a", "bad\n"));
  assert.deepEqual(decode(decoder, bytesOf("7e 01 62")), [{ line: "a: b", isMalformed: false }]);
});

Deno.test("HpackDecoder gives no more than the list may hold, and keeps the table right", () => {
  const decoder = new HpackDecoder();
  const big = literal("big", "x".repeat(100));
  assert.equal(decode(decoder, big, 135).length, 1);
  assert.equal(decoder.listIsTooLong, false);
  // A bomb: one byte each for 135.
  const bomb = new Uint8Array(10_000).fill(0xbe);
  assert.equal(decode(decoder, bomb, 1_350).length, 10);
  assert.equal(decoder.listIsTooLong, true);
  assert.equal(decode(decoder, bytesOf("be")).length, 1);
  assert.equal(decoder.listIsTooLong, false);
});

Deno.test("HpackDecoder empties its table for an entry that does not fit", () => {
  const decoder = new HpackDecoder();
  decode(decoder, literal("a", "b"));
  decode(decoder, bytesOf(`40 01 61 7f a1 1f ${"78".repeat(4_128)}`));
  assert.equal(decoder.tableSize, 0);
  assert.throws(() => decode(decoder, bytesOf("be")), HpackError);
});

/** The table as RFC 7541 section 4 tells it, slow and plain. */
class PlainTable {
  entries: [string, string][] = [];
  limit = 4_096;

  get size(): number {
    return this.entries.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0);
  }

  add(name: string, value: string): void {
    this.entries.unshift([name, value]);
    while (this.size > this.limit) this.entries.pop();
  }
}

Deno.test("HpackDecoder keeps its table as a plain model does, through any number of entries and sizes", () => {
  const step = fc.oneof(
    fc.record({ add: fc.tuple(fc.stringMatching(/^[a-z]{1,20}$/), fc.stringMatching(/^[!-~]{0,120}$/)) }),
    fc.record({ resize: fc.nat(4_096) }),
    fc.record({ use: fc.nat(200) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300, size: "max" }), (steps) => {
      const decoder = new HpackDecoder();
      const model = new PlainTable();
      for (const each of steps) {
        if ("add" in each) {
          const [name, value] = each.add;
          assert.deepEqual(decode(decoder, literal(name, value)), [{ line: `${name}: ${value}`, isMalformed: false }]);
          model.add(name, value);
        } else if ("resize" in each) {
          const size = each.resize;
          const rest = size - 31;
          decode(
            decoder,
            Uint8Array.from(size < 31 ? [0x20 | size] : [0x3f, 0x80 | (rest & 0x7f), 0x80 | (rest >> 7), 0]),
          );
          model.limit = size;
          while (model.size > size) model.entries.pop();
        } else if (model.entries.length > 0) {
          const age = each.use % model.entries.length;
          const index = 62 + age;
          const [name, value] = model.entries[age]!;
          const block = index < 127 ? [0x80 | index] : [0xff, index - 127];
          assert.equal(decode(decoder, Uint8Array.from(block))[0]!.line, `${name}: ${value}`);
        }
        assert.equal(decoder.tableSize, model.size);
      }
    }),
    cases(100),
  );
});

Deno.test("HpackDecoder throws nothing but HpackError, whatever the bytes", () => {
  const bytes = fc.uint8Array({ maxLength: 200 });
  fc.assert(
    fc.property(fc.array(bytes, { minLength: 1, maxLength: 8 }), (blocks) => {
      const decoder = new HpackDecoder();
      try {
        for (const block of blocks) decode(decoder, Uint8Array.from(block));
      } catch (error) {
        assert.ok(error instanceof HpackError, `${error}`);
      }
      assert.ok(decoder.tableSize <= 4_096);
    }),
    cases(2_000),
  );
});

Deno.test("encodeLine writes what HpackDecoder reads", () => {
  const name = fc.oneof(
    fc.stringMatching(/^[a-z0-9-]{1,200}$/),
    fc.constantFrom("content-type", "date", "set-cookie", "www-authenticate", "accept-charset"),
  );
  const value = fc.stringMatching(/^[!-~]{0,300}$/);
  fc.assert(
    fc.property(fc.integer({ min: 100, max: 599 }), fc.array(fc.tuple(name, value)), (status, fields) => {
      const out = new Uint8Array(65_536);
      out[0] = NO_TABLE;
      let to = encodeStatus(out, 1, status);
      for (const [name, value] of fields) {
        const line = new Uint8Array(name.length + value.length + 4);
        const end = encodeLatin1(`${name}: ${value}\r\n`, line, 0);
        to = encodeLine(out, to, line, 0, end);
      }
      const decoder = new HpackDecoder();
      const expected = [`:status: ${status}`, ...fields.map(([name, value]) => `${name}: ${value}`)];
      assert.deepEqual(decode(decoder, out.slice(0, to)).map(({ line }) => line), expected);
      assert.equal(decoder.tableSize, 0);
    }),
    cases(200),
  );
});
