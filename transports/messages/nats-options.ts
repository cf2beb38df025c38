import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** How this process proves to the broker who it is. Files are read anew at every connect: secrets rotate. */
export type NatsCredentials =
  | { kind: 'password'; user: string; password: string }
  | { kind: 'token'; token: string }
  /** The seed of an Ed25519 key ("SU…"). */
  | { kind: 'nkey'; readSeed: () => Uint8Array }
  /** A .creds file: JWT and seed. */
  | { kind: 'creds'; readFile: () => Uint8Array }

/** PEM files, read anew at every connect; with them the broker must offer TLS. With certificate and key the client authenticates too. */
export interface NatsTls {
  caFile?: string
  certFile?: string
  keyFile?: string
}

export interface NatsServers {
  /** host:port each */
  hosts: string[]
  /** A scheme of tls:// asks for it; else it is used where the broker offers it. */
  tls: boolean
  credentials: NatsCredentials | undefined
}

export class InvalidServerUrlError extends Error {
  override readonly name = 'InvalidServerUrlError'
  /** @param url without what may be secret in it */
  constructor(
    readonly url: string,
    reason: string,
    options?: ErrorOptions,
  ) {
    super(`"${url}" is not the URL of a NATS server such as nats://nats.example:4222: ${reason}`, options)
  }
}

/** What a user may do with the broker is told by its name: where its replies go too. */
export interface NatsLogin {
  credentials: Extract<NatsCredentials, { kind: 'password' }>
  /** So that permissions can keep one user's replies from another: `_INBOX_<user>`. */
  inboxPrefix: string
}

export class InvalidNatsLoginError extends Error {
  override readonly name = 'InvalidNatsLoginError'
}

/**
 * Who this process is for the broker, by NATS_USER and NATS_PASSWORD; undefined where neither is set.
 * @throws InvalidNatsLoginError
 */
export function loginFrom(environment: NodeJS.ProcessEnv): NatsLogin | undefined {
  const { NATS_USER: user = '', NATS_PASSWORD: password = '' } = environment
  if (user === '' && password === '') return undefined
  if (user === '')
    throw new InvalidNatsLoginError('NATS_PASSWORD is set and NATS_USER is not: set both or none')
  if (password === '') {
    throw new InvalidNatsLoginError('NATS_USER is set and NATS_PASSWORD is not: set both or none')
  }
  // It becomes part of a subject.
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(user)) {
    throw new InvalidNatsLoginError('NATS_USER may hold letters, digits, "-" and "_" only, 64 at most')
  }
  return { credentials: { kind: 'password', user, password }, inboxPrefix: `_INBOX_${user}` }
}

export class NatsCaFileError extends Error {
  override readonly name = 'NatsCaFileError'
  constructor(
    readonly file: string,
    reason: string,
    options?: ErrorOptions,
  ) {
    super(
      `NATS_CA_FILE is to be a PEM file of the authorities that the broker's certificate may be of: ${reason}`,
      options,
    )
  }
}

/**
 * Whose certificates this process believes of a broker, by NATS_CA_FILE; undefined where it is not set: then those that
 * Node.js comes with.
 * @throws NatsCaFileError
 */
export function trustFrom({ NATS_CA_FILE: caFile = '' }: NodeJS.ProcessEnv): NatsTls | undefined {
  if (caFile === '') return undefined
  let pem: string
  try {
    pem = readFileSync(caFile, 'utf8')
  } catch (cause) {
    throw new NatsCaFileError(caFile, cause instanceof Error ? cause.message : String(cause), { cause })
  }
  try {
    new X509Certificate(pem)
  } catch (cause) {
    throw new NatsCaFileError(caFile, `${caFile} holds no PEM certificate`, { cause })
  }
  return { caFile }
}

const DEFAULT_PORT = '4222'

/**
 * One or more URLs, separated by commas, as NATS tools take them: `nats://host:4222`, `tls://user:password@host`,
 * `nats://token@host`, or a bare `host:port`.
 * @throws InvalidServerUrlError
 */
export function parseServerUrls(text: string | readonly string[]): NatsServers {
  const urls = (typeof text === 'string' ? text.split(',') : text).map((url) => url.trim())
  const servers: NatsServers = { hosts: [], tls: false, credentials: undefined }
  for (const url of urls) {
    const parsed = parseServerUrl(url)
    servers.hosts.push(`${parsed.hostname}:${parsed.port || DEFAULT_PORT}`)
    servers.tls ||= parsed.protocol === 'tls:'
    servers.credentials ??= credentialsIn(parsed)
  }
  return servers
}

function parseServerUrl(text: string): URL {
  const shown = text.replace(/\/\/[^/]*@/, '//…@').slice(0, 200)
  let url: URL
  try {
    url = new URL(text.includes('://') ? text : `nats://${text}`)
  } catch (cause) {
    throw new InvalidServerUrlError(shown, 'it cannot be parsed', { cause })
  }
  if (url.protocol !== 'nats:' && url.protocol !== 'tls:') {
    throw new InvalidServerUrlError(shown, `the scheme ${url.protocol}// is neither nats:// nor tls://`)
  }
  if (url.hostname === '') throw new InvalidServerUrlError(shown, 'it names no host')
  if (!/^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_.-]+)$/.test(url.hostname)) {
    throw new InvalidServerUrlError(shown, 'its host has characters that no host has')
  }
  if ((url.pathname !== '' && url.pathname !== '/') || url.search !== '' || url.hash !== '') {
    throw new InvalidServerUrlError(shown, 'nothing may follow host and port')
  }
  return url
}

function credentialsIn(url: URL): NatsCredentials | undefined {
  if (url.username === '') return undefined
  try {
    const user = decodeURIComponent(url.username)
    if (url.password === '') return { kind: 'token', token: user }
    return { kind: 'password', user, password: decodeURIComponent(url.password) }
  } catch (cause) {
    throw new InvalidServerUrlError(url.host, 'the percent-encoding of user or password is broken', { cause })
  }
}
