import type { X509Certificate } from 'node:crypto'
import type { Logger } from 'pino'
import type { KubeObject } from '../../api/object.ts'
import { SECRETS } from '../../api/resource.ts'
import {
  between,
  type Duration,
  type Instant,
  later,
  milliseconds,
  minutes,
  seconds,
} from '../../api/values/time.ts'
import { AlreadyExistsError, ConflictError, NotFoundError } from '../../kube/errors.ts'
import type { Store } from '../../kube/store.ts'
import type { Cancel, Clock } from '../../runtime/clock.ts'
import type { Random } from '../../runtime/random.ts'
import { CONFIGURATION_KINDS, publishCaBundle } from './configurations.ts'
import { ConfigurationMissingError } from './errors.ts'
import { isSame, pemOf, readCertificates, validTo } from './inspect.ts'
import { createAuthority, issueCertificate } from './issue.ts'
import { isTrusted, type Material, readMaterial, type ServingCertificate, toSecretData } from './material.ts'
import { BACKDATING, type CertificatePolicy, DEFAULT_POLICY, planCertificates } from './plan.ts'
import type { CertificateSource } from './source.ts'

export const CERTIFICATE_SECRET = 'managed-dhcp-webhook-tls'

export interface CertificateManagerOptions {
  store: Store
  clock: Clock
  random: Random
  log: Logger
  /** Where the Secret is. */
  namespace: string
  /** The DNS names under which the API server calls. */
  names: readonly string[]
  policy?: CertificatePolicy
  /** How often the Secret and the configurations are looked at, whatever happened. Default 10 s. */
  lookEvery?: Duration
}

/** An API server hears of a new caBundle by its watch: within it, whoever can goes on serving with what it knows. */
const SETTLING = seconds(10)
/** Readiness forgives so long a silence of the API server. */
const PATIENCE = minutes(1)

/**
 * Makes the webhook's certificates, shares them with the other replicas through a Secret and tells the API server whom to
 * trust. Level-triggered: at every look it compares what should be with what is, so that what somebody deletes, damages
 * or overwrites comes back. The Secret is written by compare-and-set: of several replicas one wins, the others read.
 */
export function startCertificateManager(options: CertificateManagerOptions): CertificateSource {
  const { store, clock, random, log, namespace, names, policy = DEFAULT_POLICY } = options
  const { lookEvery = seconds(10) } = options
  const secretKey = { namespace, name: CERTIFICATE_SECRET }
  const handlers: ((certificate: ServingCertificate) => void)[] = []
  let serving: ServingCertificate | undefined
  /** A certificate that is served with as soon as the API server must know of its authority. */
  let candidate: { certificate: X509Certificate; since: Instant } | undefined
  let lastSuccess: Instant | undefined
  let failure: string | undefined = 'not looked yet'
  let conflicts = 0
  let cancel: Cancel = () => {}
  let isStopped = false

  /** @throws StoreError, ConfigurationMissingError */
  async function look(): Promise<Duration> {
    const secret = await readSecret()
    const found = readMaterial(secret, names, clock.now())
    const { material, nextCheck } = await renewed(secret, found)
    const missing = await publish(pemOf(material.trusted))
    const wait = adopt(material)
    if (missing !== undefined) throw missing
    return milliseconds(Math.max(0, Math.min(wait, lookEvery, between(clock.now(), nextCheck))))
  }

  async function readSecret(): Promise<KubeObject | undefined> {
    try {
      return await store.get(SECRETS, secretKey)
    } catch (error) {
      if (error instanceof NotFoundError) return undefined
      throw error
    }
  }

  /** Writes what is missing or too old. @throws ConflictError, AlreadyExistsError when another replica was faster */
  async function renewed(
    secret: KubeObject | undefined,
    found: Material,
  ): Promise<{ material: Material; nextCheck: Instant }> {
    const now = clock.now()
    const plan = planCertificates(found, now, policy)
    if (!plan.changes) return { material: found, nextCheck: plan.nextCheck }
    const signer =
      plan.newAuthority || found.signer === undefined
        ? await createAuthority('managed-dhcp-webhook-ca', validity(now, policy.authorityLife), serial())
        : found.signer
    const issued =
      plan.newServing || found.serving === undefined
        ? await issueCertificate(signer, names, validity(now, policy.servingLife), serial())
        : found.serving
    const trusted = distinct([
      ...readCertificates(signer.certificate),
      ...plan.trusted,
      // Nothing is left of the Secret: what replicas serve with stays trusted until all have the new one.
      ...(found.signer === undefined ? authoritiesInUse(now) : []),
    ])
    const data = toSecretData(issued, signer, trusted)
    const written = secret === undefined ? await createSecret(data) : await updateSecret(secret, data)
    log.info(
      { newAuthority: plan.newAuthority, newCertificate: plan.newServing, trusted: trusted.length },
      'webhook certificates written',
    )
    const material = readMaterial(written, names, now)
    return { material, nextCheck: planCertificates(material, now, policy).nextCheck }
  }

  function createSecret(data: Record<string, string>): Promise<KubeObject> {
    return store.create(SECRETS, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { ...secretKey, labels: LABELS },
      type: 'kubernetes.io/tls',
      data,
    })
  }

  /** Its type cannot change; what others keep in it stays. */
  function updateSecret(secret: KubeObject, data: Record<string, string>): Promise<KubeObject> {
    const { data: before } = secret
    const kept = typeof before === 'object' && before !== null ? before : {}
    return store.update(SECRETS, { ...secret, data: { ...kept, ...data } })
  }

  let trustedByUs: readonly X509Certificate[] = []
  function authoritiesInUse(now: Instant): readonly X509Certificate[] {
    const inUse = serving?.parsed
    return inUse === undefined ? [] : trustedByUs.filter((authority) => isTrusted(inUse, [authority], now))
  }

  /** @returns what is missing; the other configuration is written all the same */
  async function publish(pem: string): Promise<ConfigurationMissingError | undefined> {
    let missing: ConfigurationMissingError | undefined
    for (const kind of CONFIGURATION_KINDS) {
      try {
        if (await publishCaBundle(store, kind, pem)) log.info({ kind: kind.kind }, 'caBundle written')
      } catch (error) {
        if (!(error instanceof ConfigurationMissingError)) throw error
        missing = error
      }
    }
    return missing
  }

  /** @returns after how long to look again */
  function adopt({ serving: next, trusted }: Material): Duration {
    trustedByUs = trusted
    if (next === undefined || isStopped) return lookEvery
    const now = clock.now()
    if (serving !== undefined && isSame(serving.parsed, next.parsed)) return lookEvery
    if (serving !== undefined && isTrusted(serving.parsed, trusted, now)) {
      if (candidate === undefined || !isSame(candidate.certificate, next.parsed)) {
        candidate = { certificate: next.parsed, since: now }
      }
      const ready = later(candidate.since, SETTLING)
      if (now < ready) return between(now, ready)
    }
    serving = next
    candidate = undefined
    for (const handler of handlers) handler(next)
    log.info({ until: new Date(validTo(next.parsed)).toISOString() }, 'serving with a new certificate')
    return lookEvery
  }

  async function run(): Promise<void> {
    let wait: Duration = lookEvery
    try {
      wait = await look()
      lastSuccess = clock.now()
      failure = undefined
      conflicts = 0
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      if (error instanceof ConflictError || error instanceof AlreadyExistsError) {
        // Another replica was faster: read what it wrote.
        conflicts += 1
        wait = milliseconds(Math.min(lookEvery, 2 ** conflicts * (25 + random.next() * 100)))
        log.debug({ err: error }, 'another replica writes the certificates too; reading again')
      } else if (failure !== message)
        log.warn({ err: error }, 'the webhook certificates could not be looked after')
      failure = message
    }
    if (!isStopped) cancel = clock.after(wait, () => void run())
  }

  const validity = (now: Instant, life: Duration) => ({
    from: later(now, milliseconds(-BACKDATING)),
    to: later(now, life),
  })
  /** RFC 5280 §4.1.2.2: positive, at most 20 octets. */
  const serial = () => `4${random.uuid().replaceAll('-', '').slice(1)}`

  void run()
  return {
    current: () => serving,
    onChange: (handler) => handlers.push(handler),
    problems() {
      const now = clock.now()
      if (serving === undefined) return [`no certificate yet: ${failure}`]
      if (now >= validTo(serving.parsed)) return ['the certificate has expired']
      const isRecent = lastSuccess !== undefined && between(lastSuccess, now) < PATIENCE
      return isRecent
        ? []
        : [`the API server may not trust this webhook: ${failure ?? 'not looked for long'}`]
    },
    stop() {
      isStopped = true
      cancel()
    },
  }
}

const LABELS = {
  'app.kubernetes.io/name': 'managed-dhcp',
  'app.kubernetes.io/component': 'webhook',
  'app.kubernetes.io/part-of': 'managed-dhcp',
}

function distinct(certificates: readonly X509Certificate[]): readonly X509Certificate[] {
  return certificates.filter(
    (certificate, index) => certificates.findIndex((other) => isSame(other, certificate)) === index,
  )
}
