/** Character sets in which a byte below 0x40 is always the ASCII character, so that markup can be read byte by byte. */

/** Labels of the Encoding standard, section 4.2, but those of ISO-2022-JP, UTF-16 and x-user-defined. */
const PLAIN = new RegExp(
  "^(" + [
    "unicode-1-1-utf-8|utf-?8|x-unicode20utf8|unicode11utf8|unicode20utf8",
    "(us-)?ascii|ansi_x3.4-1968|iso646-us",
    "iso[-_]?8859[-_]?[0-9]{1,2}(-[ei])?(:19[0-9]{2})?|latin[1-69]|l[1-69]",
    "(windows|x-cp|cp)-?125[0-8]|windows-874|tis-620|dos-874",
    "koi8?|koi8-[rut]|koi8-ru|ibm866|866|cp866|cp819|ibm819|macintosh|x-mac-(roman|cyrillic|ukrainian)",
    "gbk|x-gbk|gb2312|gb_2312(-80)?|gb18030|chinese",
    "big5(-hkscs)?|x-x-big5|cn-big5|euc-(jp|kr)|x-euc-jp|shift[-_]jis|sjis|ms_kanji|windows-31j|x-sjis|ks_c_5601-19(87|89)|korean",
  ].join("|") + ")$",
  "i",
);

/** Whether HTML or CSS of that character set can be rewritten. */
export function isPlainCharset(label: string): boolean {
  return PLAIN.test(label.trim());
}

/** The value of `charset` in a Content-Type, or "" without. RFC 9110 section 8.3.1. */
export function charsetOf(contentType: string): string {
  return /;\s*charset\s*=\s*(?:"([^"]*)"|([^\s;]+))/i.exec(contentType)?.slice(1).find((value) => value) ?? "";
}

/** Of the plain ones those in which the second byte of a character may be a backslash, brace or at sign: labels of the same section. */
const ASCII_TRAILS =
  /^(gbk|x-gbk|gb2312|gb_2312(-80)?|gb18030|chinese|csgb2312|csiso58gb231280|iso-ir-58|big5(-hkscs)?|x-x-big5|cn-big5|csbig5|shift[-_]jis|sjis|ms_kanji|ms932|csshiftjis|windows-31j|x-sjis)$/i;

/** Whether CSS of that character set cannot be read byte by byte, though markup can: there a backslash or brace decides. */
export function hasAsciiTrails(label: string): boolean {
  return ASCII_TRAILS.test(label.trim());
}
