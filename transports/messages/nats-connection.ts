import {
  type Authenticator,
  type ConnectionOptions,
  connect,
  credsAuthenticator,
  ErrorCode,
  type NatsConnection,
  NatsError,
  nkeyAuthenticator,
  type Status,
} from 'nats'
import type { Logger } from 'pino'
import { type Duration, milliseconds } from '../../src/api/values/time.ts'
import type { Cancel, Clock } from '../../src/runtime/clock.ts'
import type { Random } from '../../src/runtime/random.ts'
import { type NatsCredentials, type NatsServers, type NatsTls, parseServerUrls } from './nats-options.ts'

export interface NatsConnectionOptions {
  /** See `parseServerUrls`. */
  servers: string | readonly string[]
  /** Shown in the broker's monitoring. */
  name: string
  clock: Clock
  log: Logger
  random: Random
  /** Wins over those in the URL. */
  credentials?: NatsCredentials
  tls?: NatsTls
  /** Where replies go, when permissions do not allow `_INBOX`. */
  inboxPrefix?: string
}

export interface ConnectionListener {
  /** A connection without subscriptions. */
  fresh(connection: NatsConnection): void
  /** The same connection is back; the client has subscribed again. */
  resumed(): void
  lost(): void
  /** The broker does not let this process do something. */
  refused(violation: Violation): void
}

export interface Violation {
  readonly operation: string
  readonly subject: string
}

export interface KeptConnection {
  /** The connection, while it is up. */
  current(): NatsConnection | undefined
  close(): Promise<void>
}

/** A fixed part and as much again by chance, so that a broker that comes back is not met by all at once. */
const RECONNECT_WAIT = 500
const CONNECT_TIMEOUT = 5000
/** A dead peer is found out after two of these without an answer. */
const PING_INTERVAL = 15_000

/**
 * Connects now, and again whenever the connection is gone, for as long as it takes.
 * @throws InvalidServerUrlError
 */
export function keepConnected(options: NatsConnectionOptions, listener: ConnectionListener): KeptConnection {
  const { clock, log, random } = options
  const servers = parseServerUrls(options.servers)
  const connectionOptions = connectionOptionsFor(options, servers)
  const user = userOf(connectionOptions)
  const logStatus = statusLog(log, user)
  let connection: NatsConnection | undefined
  let up = false
  let closed = false
  let wake: (() => void) | undefined

  async function keep(): Promise<void> {
    let lastFailure = ''
    while (!closed) {
      try {
        const fresh = await connect(connectionOptions)
        lastFailure = ''
        await use(fresh)
      } catch (error) {
        // The same failure again and again is one line, not one a second.
        const failure = String(error)
        if (!closed && failure !== lastFailure) {
          const fields = { err: error, servers: servers.hosts }
          if (error instanceof NatsError && error.isAuthError()) log.error(fields, refusedLogin(user))
          else log.warn(fields, whyNotReached(error))
        }
        lastFailure = failure
      }
      if (!closed) await pause()
    }
  }

  async function use(fresh: NatsConnection): Promise<void> {
    if (closed) return fresh.close()
    connection = fresh
    up = true
    log.info({ server: fresh.getServer() }, 'connected to the message broker')
    void watch(fresh)
    listener.fresh(fresh)
    const reason = await fresh.closed()
    connection = undefined
    if (up) listener.lost()
    up = false
    if (!closed) log.error({ err: reason }, 'the message broker connection ended, connecting anew')
  }

  async function watch(fresh: NatsConnection): Promise<void> {
    for await (const status of fresh.status()) {
      if (closed) return
      logStatus(status)
      const { permissionContext: refused } = status
      if (refused !== undefined) listener.refused(refused)
      if (status.type === 'disconnect' && up) {
        up = false
        listener.lost()
      }
      if (status.type === 'reconnect') {
        up = true
        listener.resumed()
      }
    }
  }

  function pause(): Promise<void> {
    return new Promise((resolve) => {
      const cancel: Cancel = clock.after(reconnectWait(random), resolve)
      wake = () => {
        cancel()
        resolve()
      }
    })
  }

  void keep()
  return {
    current: () => (up ? connection : undefined),
    async close() {
      closed = true
      wake?.()
      await connection?.close()
    },
  }
}

function reconnectWait(random: Random): Duration {
  return milliseconds(RECONNECT_WAIT * (1 + random.next()))
}

function connectionOptionsFor(options: NatsConnectionOptions, servers: NatsServers): ConnectionOptions {
  const credentials = options.credentials ?? servers.credentials
  const result: ConnectionOptions = {
    servers: servers.hosts,
    name: options.name,
    maxReconnectAttempts: -1,
    reconnectDelayHandler: () => reconnectWait(options.random),
    timeout: CONNECT_TIMEOUT,
    pingInterval: PING_INTERVAL,
    // Else two refusals in a row end it for good, although the secret may be being rotated.
    ignoreAuthErrorAbort: true,
    noAsyncTraces: true,
  }
  if (options.inboxPrefix !== undefined) result.inboxPrefix = options.inboxPrefix
  if (options.tls || servers.tls) result.tls = options.tls ?? {}
  if (credentials?.kind === 'password') {
    result.user = credentials.user
    result.pass = credentials.password
  } else if (credentials?.kind === 'token') {
    result.token = credentials.token
  } else if (credentials) {
    result.authenticator = authenticatorFor(credentials)
  }
  return result
}

function authenticatorFor(credentials: Extract<NatsCredentials, { kind: 'nkey' | 'creds' }>): Authenticator {
  return credentials.kind === 'nkey'
    ? nkeyAuthenticator(credentials.readSeed)
    : credsAuthenticator(credentials.readFile)
}

/** The user as the broker knows it, or what stands for one. Never what is secret. */
function userOf({ user, token, authenticator }: ConnectionOptions): string {
  if (user !== undefined) return `the user "${user}"`
  return token !== undefined || authenticator !== undefined ? 'these credentials' : 'a process without a user'
}

function refusedLogin(user: string): string {
  return `the message broker refuses ${user}; trying on: check NATS_USER and NATS_PASSWORD, and the broker's own users`
}

/** What OpenSSL says of a certificate whose issuer is none of those that are trusted. */
const UNKNOWN_ISSUER = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
])

function whyNotReached(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (UNKNOWN_ISSUER.has(code)) {
    return "the message broker's certificate is not believed; trying on: NATS_CA_FILE must name the authority that issued it"
  }
  if (
    error instanceof NatsError &&
    error.code === ErrorCode.ServerOptionNotAvailable &&
    error.message === 'tls'
  ) {
    return 'the message broker offers no TLS, which tls:// or NATS_CA_FILE asks for; trying on'
  }
  return 'message broker not reached, trying on'
}

const DISTINCT_VIOLATIONS = 100

/** Permission violations show nowhere else: each is told once. */
function statusLog(log: Logger, user: string): (status: Status) => void {
  const violations = new Set<string>()
  let isRefused = false
  return ({ type, data, permissionContext }) => {
    if (type === 'disconnect') log.warn({ server: data }, 'message broker lost')
    else if (type === 'reconnect') {
      isRefused = false
      log.info({ server: data }, 'message broker is back')
    } else if (type === 'ldm') log.warn({ server: data }, 'the message broker is about to go away')
    else if (type === 'staleConnection') log.warn('the message broker does not answer')
    else if (type !== 'error') log.debug({ type, data }, 'message broker status')
    else if (data === ErrorCode.AuthorizationViolation || data === ErrorCode.AuthenticationExpired) {
      log[isRefused ? 'debug' : 'error']({ code: data }, refusedLogin(user))
      isRefused = true
    } else if (data !== ErrorCode.PermissionsViolation) log.error({ code: data }, 'message broker error')
    else {
      const violation = `${permissionContext?.operation} ${permissionContext?.subject}`
      const known = violations.has(violation) || violations.size >= DISTINCT_VIOLATIONS
      const what = `the message broker does not permit this to ${user}; its permissions must allow it`
      log[known ? 'debug' : 'error']({ ...permissionContext }, what)
      violations.add(known ? '' : violation)
    }
  }
}
