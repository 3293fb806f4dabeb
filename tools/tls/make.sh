#!/usr/bin/env bash
# Makes the certificates and keys of the tests anew, valid for a hundred years; they guard nothing.
# The names of the files are those that libnbd, nbdkit and qemu look for in a folder.
set -eu
cd "$(dirname "$0")"

authority() { # FOLDER NAME
  mkdir -p "$1"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 36500 -subj "/CN=$2" \
    -addext 'keyUsage=critical,keyCertSign,cRLSign' -keyout "$1/ca-key.pem" -out "$1/ca-cert.pem" 2>/dev/null
}

certificate() { # FOLDER FILE NAME USAGE ALTERNATIVE-NAMES
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$3" -keyout "$1/$2-key.pem" -out request.pem 2>/dev/null
  openssl x509 -req -in request.pem -days 36500 -CA "$1/ca-cert.pem" -CAkey "$1/ca-key.pem" -CAcreateserial -out "$1/$2-cert.pem" \
    -extfile <(printf 'basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage=%s\nsubjectAltName=%s\n' "$4" "$5") 2>/dev/null
  rm -f request.pem "$1/ca-cert.srl"
}

authority x509 'Interposer test authority'
certificate x509 server localhost serverAuth 'DNS:localhost,IP:127.0.0.1,IP:::1'
certificate x509 client alice clientAuth 'DNS:alice,email:alice@example.org'
rm x509/ca-key.pem

# An authority that nobody trusts.
authority stranger 'A stranger'
certificate stranger server localhost serverAuth 'DNS:localhost,IP:127.0.0.1'
certificate stranger client mallory clientAuth 'DNS:mallory'
rm stranger/ca-key.pem

printf 'alice:%s\nbob:%s\n' "$(openssl rand -hex 32)" "$(openssl rand -hex 32)" >keys.psk
