import 'reflect-metadata'
import { generateKeyPairSync, webcrypto } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  BasicConstraintsExtension,
  cryptoProvider,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Name,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'

cryptoProvider.set(webcrypto)

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const DAY = 24 * 60 * 60 * 1000

/** A certificate and its key, as PEM. */
export interface KeyPair {
  readonly certificate: string
  readonly key: string
}

export interface Subject {
  commonName: string
  organizations?: readonly string[]
  /** With names it is a server certificate, without a client's. */
  server?: { dns: readonly string[]; ips: readonly string[] }
}

/** The files of an authority in a directory, for programs that want files. */
export const authorityFiles = (directory: string) => ({
  certificate: join(directory, 'ca.crt'),
  key: join(directory, 'ca.key'),
})

/** A certificate authority of a day's life, kept in `directory`. */
export async function createAuthority(directory: string): Promise<Authority> {
  const keys = await newKeys()
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: new Name([{ CN: ['managed-dhcp-test-ca'] }]),
    ...validity(),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  })
  const files = authorityFiles(directory)
  await writeFile(files.certificate, certificate.toString('pem'))
  await writeFile(files.key, await privateKeyPem(keys.privateKey), { mode: 0o600 })
  return new Authority(certificate, keys.privateKey)
}

export async function openAuthority(directory: string): Promise<Authority> {
  const files = authorityFiles(directory)
  const certificate = new X509Certificate(await readFile(files.certificate, 'utf8'))
  const key = PemConverter.decodeFirst(await readFile(files.key, 'utf8'))
  return new Authority(
    certificate,
    await webcrypto.subtle.importKey('pkcs8', key, ALGORITHM, false, ['sign']),
  )
}

export class Authority {
  readonly #certificate: X509Certificate
  readonly #key: webcrypto.CryptoKey

  constructor(certificate: X509Certificate, key: webcrypto.CryptoKey) {
    this.#certificate = certificate
    this.#key = key
  }

  get pem(): string {
    return this.#certificate.toString('pem')
  }

  async issue({ commonName, organizations = [], server }: Subject): Promise<KeyPair> {
    const keys = await newKeys()
    const usage = server === undefined ? ExtendedKeyUsage.clientAuth : ExtendedKeyUsage.serverAuth
    const extensions: Extension[] = [
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([usage]),
    ]
    if (server !== undefined) {
      extensions.push(
        new SubjectAlternativeNameExtension([
          ...server.dns.map((value) => ({ type: 'dns' as const, value })),
          ...server.ips.map((value) => ({ type: 'ip' as const, value })),
        ]),
      )
    }
    const certificate = await X509CertificateGenerator.create({
      subject: new Name([...organizations.map((O) => ({ O: [O] })), { CN: [commonName] }]),
      issuer: this.#certificate.subjectName,
      ...validity(),
      signingAlgorithm: ALGORITHM,
      publicKey: keys.publicKey,
      signingKey: this.#key,
      extensions,
    })
    return { certificate: certificate.toString('pem'), key: await privateKeyPem(keys.privateKey) }
  }
}

/** For signing service account tokens: kube-apiserver reads elliptic curve keys in the form of RFC 5915 only. */
export function newServiceAccountKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return privateKey.export({ type: 'sec1', format: 'pem' }).toString()
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
}

async function privateKeyPem(key: webcrypto.CryptoKey): Promise<string> {
  return PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')
}

function validity(): { notBefore: Date; notAfter: Date } {
  const now = Date.now()
  return { notBefore: new Date(now - 60_000), notAfter: new Date(now + DAY) }
}
