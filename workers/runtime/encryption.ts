import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

/** AES-256-GCM. Sealed bytes are: key id (4 bytes) · nonce (12) · tag (16) · ciphertext. */
export interface Encryption {
  /** Hexadecimal id of the key that seals. */
  readonly keyId: string;
  /** @param place what the bytes belong to: nowhere else do they open */
  seal(plain: Uint8Array, place?: string): Buffer;
  /** @throws when no configured key has the id that the bytes name, or the bytes were changed, or belong to another place. */
  open(sealed: Uint8Array, place?: string): Buffer;
}

const [idBytes, nonceBytes, tagBytes] = [4, 12, 16];
const head = idBytes + nonceBytes + tagBytes;

/** @param keys 32 bytes each: the first one seals, all of them open, so a key can be changed while old rows keep theirs. */
export function createEncryption(keys: readonly [Buffer, ...Buffer[]]): Encryption {
  const byId = new Map(keys.map((key) => [idOf(key).toString('hex'), key]));
  const current = idOf(keys[0]);
  return {
    keyId: current.toString('hex'),
    seal(plain, place = '') {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv('aes-256-gcm', keys[0], nonce).setAAD(Buffer.concat([current, Buffer.from(place)]));
      const body = Buffer.concat([cipher.update(plain), cipher.final()]);
      return Buffer.concat([current, nonce, cipher.getAuthTag(), body]);
    },
    open(sealed, place = '') {
      const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
      if (bytes.length < head) throw new Error('these bytes are not sealed: too short');
      const id = bytes.subarray(0, idBytes);
      const key = byId.get(id.toString('hex'));
      if (key === undefined) throw new Error(`no configured key has the id ${id.toString('hex')}; add the old key to MIDLINE_ENCRYPTION_KEY`);
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(idBytes, idBytes + nonceBytes)).setAAD(Buffer.concat([id, Buffer.from(place)]));
      decipher.setAuthTag(bytes.subarray(idBytes + nonceBytes, head));
      return Buffer.concat([decipher.update(bytes.subarray(head)), decipher.final()]);
    },
  };
}

/** The encryption that a configuration asks for; null without a key. */
export function configuredEncryption({ MIDLINE_ENCRYPTION_KEY: keys }: { readonly MIDLINE_ENCRYPTION_KEY?: readonly Buffer[] | undefined }): Encryption | null {
  const [first, ...others] = keys ?? [];
  return first === undefined ? null : createEncryption([first, ...others]);
}

/** A key's id says nothing about the key: the start of its hash. */
function idOf(key: Buffer): Buffer {
  return createHash('sha256').update(key).digest().subarray(0, idBytes);
}
