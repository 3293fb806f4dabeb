import { createHash, type KeyObject, verify, X509Certificate } from 'node:crypto';
import { fail } from '@interposer/core';
import { type Element, elementsOf, insideOf, oidOf, Tag } from './der.ts';

/** Object identifiers, by their bytes. */
const SIGNED_DATA = '2a864886f70d010702';
const MESSAGE_DIGEST = '2a864886f70d010904';
const DIGESTS: Readonly<Record<string, string>> = {
  '608648016503040201': 'sha256',
  '608648016503040202': 'sha384',
  '608648016503040203': 'sha512',
  '608648016503040204': 'sha224',
};

/** Somebody who signed, as far as it matters here. RFC 5652: SignerInfo. */
interface Signer {
  readonly digest: string;
  /** What was signed in place of the content; it holds the content's digest. */
  readonly attributes: Element | undefined;
  readonly signature: Buffer;
}

/**
 * Whether a PKCS#7 signature without the content, in DER, is one of the content by a key of the given certificates. EINVAL where
 * it is no such signature. A certificate of the signer inside it counts for nothing.
 */
function isSigned(content: Buffer, signature: Uint8Array, certificates: readonly X509Certificate[]): boolean {
  const bytes = Buffer.from(signature.buffer, signature.byteOffset, signature.length);
  return signersOf(bytes).some((signer) => {
    const signed = signedBytes(signer, content);
    if (signed === undefined) return false;
    return certificates.some(({ publicKey }) => isBy(publicKey, signer, signed));
  });
}

/** A key of a kind that makes no such signatures made none. */
function isBy(publicKey: KeyObject, { digest, signature }: Signer, signed: Buffer): boolean {
  try {
    return verify(digest, signed, publicKey, signature);
  } catch {
    return false;
  }
}

function signersOf(bytes: Buffer): Signer[] {
  const [type, explicit] = insideOf(elementsOf(bytes)[0], Tag.Sequence);
  if (oidOf(type) !== SIGNED_DATA) throw fail('EINVAL', 'the signature is no signed data of PKCS#7');
  const signers = insideOf(insideOf(explicit, Tag.Zero)[0], Tag.Sequence).at(-1);
  return insideOf(signers, Tag.Set).flatMap((signer) => signerOf(insideOf(signer, Tag.Sequence)));
}

/** Version, who, digest, [attributes], kind of signature, signature. None where the digest is not known, or too weak. */
function signerOf([, , digestKind, ...rest]: readonly Element[]): Signer[] {
  const digest = DIGESTS[oidOf(insideOf(digestKind, Tag.Sequence)[0])];
  const attributes = rest[0]?.tag === Tag.Zero ? rest[0] : undefined;
  const signature = rest[attributes === undefined ? 1 : 2];
  if (signature?.tag !== Tag.Octets) throw fail('EINVAL', 'the signature has no value');
  return digest === undefined ? [] : [{ digest, attributes, signature: signature.content }];
}

/** What the signature is of: the content, or attributes that tell its digest. Undefined where they tell another. */
function signedBytes({ digest, attributes }: Signer, content: Buffer): Buffer | undefined {
  if (attributes === undefined) return content;
  const told = elementsOf(attributes.content)
    .map((attribute) => insideOf(attribute, Tag.Sequence))
    .find(([type]) => oidOf(type) === MESSAGE_DIGEST);
  const wanted = createHash(digest).update(content).digest();
  if (told === undefined || !insideOf(told[1], Tag.Set).some((value) => value.content.equals(wanted)))
    return undefined;
  // They are signed as the set that they are, not under the tag they have here.
  const signed = Buffer.from(attributes.whole);
  signed[0] = Tag.Set;
  return signed;
}

/** Who may sign root hashes, and where the signatures are, as a program says it. */
export interface SignatureTrust {
  /** Certificates of those who may sign, in PEM or DER. */
  readonly certificates?: readonly (string | Uint8Array)[];
  /** The signature that a description stands for: PKCS#7, DER, without the content. Undefined: there is none. */
  readonly signatureOf?: (description: string) => Uint8Array | undefined | Promise<Uint8Array | undefined>;
}

/** Checks signatures of root hashes. */
export class SignatureCheck {
  readonly #certificates: readonly X509Certificate[];
  readonly #signatureOf: SignatureTrust['signatureOf'];

  /** Throws where a certificate is none. */
  constructor({ certificates = [], signatureOf }: SignatureTrust) {
    this.#certificates = certificates.map((one) => new X509Certificate(one));
    this.#signatureOf = signatureOf;
  }

  /** Rejects unless the root hash, as it is written, is signed: ENOKEY where there is no such signature, EILSEQ where it is not good. */
  async check(root: string, description: string): Promise<void> {
    const signature = await this.#signatureOf?.(description);
    if (signature === undefined)
      throw fail(
        'ENOKEY',
        `DM Verity Sig Verification Invalid key specified (there is no signature ${description})`,
      );
    if (isSigned(Buffer.from(root, 'latin1'), signature, this.#certificates)) return;
    const many = String(this.#certificates.length);
    throw fail(
      'EILSEQ',
      `Root hash verification failed (${description} is no signature of it by one of ${many} certificates)`,
    );
  }
}
