/** Leaks an SSL object and reads a freed one, so that whoever looks for such things can be tried. */
import { loadOpenSsl, ssl } from "../../ffi/openssl.ts";

if (import.meta.main) {
  loadOpenSsl();
  const context = ssl.SSL_CTX_new(ssl.TLS_server_method());
  for (let i = 0; i < 3; i++) ssl.SSL_new(context);
  const freed = ssl.SSL_new(context);
  ssl.SSL_free(freed);
  ssl.SSL_version(freed);
}
