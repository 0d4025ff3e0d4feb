/** Keys that stay in a device are named by PKCS#11 URIs: RFC 7512. Pure. */

/** Whether a `key` of the config is such a URI instead of a path. */
export function isKeyUri(key: string): boolean {
  return key.startsWith("pkcs11:");
}

/** The attribute that brings a PIN, where it does not belong; undefined without: RFC 7512 section 2.4. */
export function pinAttribute(uri: string): string | undefined {
  return /[:;?&](pin-value|pin-source)=/.exec(uri)?.[1];
}
