/** The certificates and keys that a config names, as the HTTPS port needs them. */
import type { Pkcs11Token } from "../../ffi/pkcs11_token.ts";
import { besideConfig } from "../config/paths.ts";
import type { Config } from "../config/schema.ts";
import type { ArraySecret } from "../secrets/array_secret.ts";
import { keepMemoryOutOfCoreDumps } from "../secrets/core_dumps.ts";
import { CertificateStore, type StoreOptions } from "../tls/certificate_store.ts";
import { openToken } from "../tls/hardware_keys.ts";
import { isKeyUri } from "../tls/key_uri.ts";
import { tryPinOnce } from "../tls/refused_pin.ts";
import { FETCH } from "../tls/staples.ts";
import { ArrayTicketKeys } from "../tls/ticket_keys.ts";
import { TlsServer } from "../tls/tls_server.ts";

type TlsConfig = NonNullable<Config["tls"]>;

export interface TlsPlace {
  readonly configFile: string;
  /** The run folder. */
  readonly dir: string;
  readonly log: (line: string) => void;
}

/** Throws UsageError. */
export function openTls(
  tls: TlsConfig,
  offersHttp2: boolean,
  place: TlsPlace,
  secret: ArraySecret | undefined,
): TlsServer {
  keepMemoryOutOfCoreDumps();
  const tickets = secret && new ArrayTicketKeys(secret, Date.now);
  const store = openStore(tls.pkcs11, place, storeOptions(tls, place, tickets !== undefined));
  return new TlsServer(store, tickets, place.log, undefined, offersHttp2);
}

/** @param token that is open already */
export function storeOptions(
  tls: TlsConfig,
  { configFile, dir, log }: TlsPlace,
  hasTicketKeys: boolean,
  token?: Pkcs11Token,
): StoreOptions {
  const files = tls.certificates.map(({ cert, key, ocsp }) => ({
    cert: besideConfig(configFile, cert),
    key: isKeyUri(key) ? key : besideConfig(configFile, key),
    ocsp: ocsp === undefined || ocsp === FETCH ? ocsp : besideConfig(configFile, ocsp),
  }));
  const hasStaples = files.some(({ ocsp }) => ocsp !== undefined);
  return {
    files,
    policy: tls.policy,
    isStrict: tls.strict_sni,
    hasTicketKeys,
    staples: hasStaples ? { cacheDir: `${dir}/ocsp`, now: Date.now, log } : undefined,
    clients: tls.client_ca === undefined ? undefined : {
      ca: besideConfig(configFile, tls.client_ca),
      crl: tls.client_crl === undefined ? undefined : besideConfig(configFile, tls.client_crl),
      isRequired: tls.client_auth === "required",
    },
    token,
  };
}

/** With the token of the keys, where one is needed. */
function openStore(
  pkcs11: TlsConfig["pkcs11"],
  { configFile, dir }: TlsPlace,
  options: StoreOptions,
): CertificateStore {
  if (!pkcs11 || !options.files.some(({ key }) => isKeyUri(key))) return new CertificateStore(options);
  const pinFile = besideConfig(configFile, pkcs11.pin_file);
  const token = openToken(besideConfig(configFile, pkcs11.module), pinFile);
  return tryPinOnce(`${dir}/refused-pin`, pinFile, () => new CertificateStore({ ...options, token }));
}
