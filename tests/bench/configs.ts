/**
 * The configs of the bench. The proxies are at production defaults and equal work: keep-alive on both sides, a persistence cookie, a
 * response with that cookie kept out of shared caches, X-Forwarded-For, no access log, 10 s for a request's head. Over TLS the peers have
 * the version, cipher and key exchange that ours agrees on with a client that offers what OpenSSL offers, tickets, and no cache of
 * sessions.
 */
import type { CertificateFiles } from "./certificate.ts";

/** Above the 8,000 idle connections of the bench; HAProxy wants two descriptors for each, and machines allow 20,000. */
const MAX_CONNECTIONS = 8_500;
/** Splicing needs descriptors for pipes too. */
const TUNED_MAX_CONNECTIONS = 2_000;
/** So many requests that no connection ends by their count. */
const NO_END = 100_000_000;
export const CIPHER = "TLS_AES_128_GCM_SHA256";

/** An origin: static files, each response with a session cookie; `/upload` answers once it has the whole body. */
export function originConfig(dir: string, ports: readonly number[]): string {
  return `worker_processes 1; daemon off; pid ${dir}/origin.pid; error_log ${dir}/origin.err;
events { worker_connections ${MAX_CONNECTIONS}; }
http { access_log off; keepalive_requests ${NO_END}; keepalive_timeout 300; sendfile on; tcp_nopush on; open_file_cache max=10;
  client_body_timeout 300; client_body_temp_path ${dir}/bodies;
server { ${ports.map((port) => `listen 127.0.0.1:${port};`).join(" ")}
  add_header Set-Cookie "JSESSIONID=0123456789abcdef; Path=/; HttpOnly";
  location / { root ${dir}; default_type text/plain; }
  location = /upload { proxy_pass http://127.0.0.1:${ports[0]}/took; }
  location = /status { stub_status; }
  location = /took { return 200 "ok"; } } }
`;
}

/** `http-reuse always`, since by default a client's first request may wait for a connection of its own; one thread for one core. */
export function haproxyConfig(
  port: number,
  origins: readonly number[],
  certificate: CertificateFiles | undefined,
  tuned: boolean,
  http2: boolean,
): string {
  // Without the curves it would take P-256 alone, and ask a client for it in a second round.
  const tls = certificate
    ? ` ssl crt ${certificate.both} ssl-min-ver TLSv1.3 ciphersuites ${CIPHER} curves X25519:P-256`
    : "";
  return `global
  nbthread 1
  maxconn ${tuned ? TUNED_MAX_CONNECTIONS : MAX_CONNECTIONS}
${certificate ? "  tune.ssl.cachesize 0\n" : ""}defaults
  mode http
  timeout connect 1s
  timeout client 60s
  timeout server 60s
  timeout http-request 10s
  timeout http-keep-alive 60s
${tuned ? "  option splice-response\n" : ""}frontend f
  bind 127.0.0.1:${port}${http2 ? " proto h2" : ""}${tls}
  default_backend b
backend b
  balance roundrobin
  cookie SpServer insert indirect nocache
  option forwardfor
  http-reuse always
${origins.map((origin, i) => `  server s${i} 127.0.0.1:${origin} cookie ${i + 1}`).join("\n")}
`;
}

/** Keep-alive to the back ends has to be asked for; so has the persistence cookie, which the free nginx sets but does not heed. */
export function nginxConfig(
  dir: string,
  name: string,
  port: number,
  origins: readonly number[],
  certificate: CertificateFiles | undefined,
  tuned: boolean,
  http2: boolean,
): string {
  const tls = certificate
    ? `ssl_certificate ${certificate.cert}; ssl_certificate_key ${certificate.key}; ssl_protocols TLSv1.3;
  ssl_conf_command Ciphersuites ${CIPHER}; ssl_ecdh_curve X25519:prime256v1; ssl_session_tickets on; ssl_session_cache none;`
    : "";
  const keys = origins.map((origin, i) => `127.0.0.1:${origin} ${i + 1};`).join(" ");
  const servers = origins.map((origin) => `server 127.0.0.1:${origin};`).join(" ");
  const buffers =
    "proxy_buffer_size 16k; proxy_buffers 8 64k; proxy_busy_buffers_size 128k; proxy_max_temp_file_size 0;";
  return `worker_processes 1; daemon off; pid ${dir}/${name}.pid; error_log ${dir}/${name}.err;
events { worker_connections ${MAX_CONNECTIONS + 1000}; }
http { access_log off; keepalive_requests ${NO_END}; keepalive_timeout 60; client_header_timeout 10s;
map $upstream_addr $key { ${keys} }
upstream u { ${servers} keepalive 512; keepalive_requests ${NO_END}; }
server { listen 127.0.0.1:${port}${certificate ? " ssl" : ""}${http2 ? " http2" : ""}; ${tls}
  location / { proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
    proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme; ${tuned ? buffers : ""}
    add_header Set-Cookie "SpServer=$key; Path=/; HttpOnly"; add_header Cache-Control private; } } }
`;
}

export function dlbaConfig(
  { http, https }: { readonly http: number; readonly https?: number },
  origins: readonly number[],
  certificate: CertificateFiles | undefined,
): string {
  const backEnds = origins.map((origin, i) => `{ key: ${i + 1}, address: "127.0.0.1:${origin}" }`);
  return `array: { name: bench, vip: 192.0.2.10, ports: { http: ${http}${https ? `, https: ${https}` : ""} } }
nodes: [{ id: 0, name: a, address: 192.0.2.11/24, mac: "02:00:00:00:00:0a", interface: lo }]
pools: [{ name: web, persistence: { session_cookies: [JSESSIONID] }, back_ends: [${backEnds.join(", ")}] }]
${certificate ? `tls: { certificates: [{ cert: ${certificate.cert}, key: ${certificate.key} }] }` : ""}
`;
}

/** By a named host, a host pattern and a path, a third each; the request that is measured meets the last of them. */
export function manyRoutes(): string {
  const routes = Array.from({ length: 999 }, (_, i) => {
    const place = [`host: h${i}.example`, `host: "*.d${i}.example"`, `path: /application/section${i}`][i % 3];
    return `  - { ${place}, pool: web }\n`;
  });
  return `access_log: { file: access.log }\nroutes:\n${routes.join("")}  - { pool: web }\n`;
}
