/** The oldest version that NBD allows. */
export const OLDEST_VERSION = 'TLSv1.2';

/**
 * Methods for pre-shared keys. OpenSSL ties such a key to SHA-256, which leaves two suites of TLS 1.3; those of TLS 1.2 are the
 * ones that GnuTLS has too and whose recorded traffic a key that leaks later does not open.
 */
export const SHARED_KEY_SUITES: readonly string[] = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-PSK-CHACHA20-POLY1305',
  'DHE-PSK-AES256-GCM-SHA384',
  'DHE-PSK-AES128-GCM-SHA256',
  'ECDHE-PSK-AES256-CBC-SHA384',
  'ECDHE-PSK-AES128-CBC-SHA256',
];

/** Methods of a server with a certificate, the cheapest of equal strength first. */
export const CERTIFICATE_SUITES: readonly string[] = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'DHE-RSA-AES128-GCM-SHA256',
  'DHE-RSA-AES256-GCM-SHA384',
];
