import { X509Certificate } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { SECRETS } from '../../../src/api/resource.ts'
import { type Duration, milliseconds, minutes, seconds } from '../../../src/api/values/time.ts'
import type { EmbeddedApi } from '../../../src/embedded/embedded-api.ts'
import { readCertificates } from '../../../src/webhook/certificates/inspect.ts'
import { CERTIFICATE_SECRET, startCertificateManager } from '../../../src/webhook/certificates/manager.ts'
import { isTrusted, type ServingCertificate } from '../../../src/webhook/certificates/material.ts'
import type { CertificateSource } from '../../../src/webhook/certificates/source.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { recordingLog } from '../../support/recording-log.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { CONFIGURATIONS, caBundleOf, configurationOf, openClusterApi } from './cluster.ts'

const NAMES = ['managed-dhcp-webhook.harvester-system.svc', 'managed-dhcp-webhook.harvester-system']
const KEY = { namespace: 'harvester-system', name: CERTIFICATE_SECRET }
const DAY = minutes(24 * 60)
const SHORT = { authorityLife: milliseconds(3 * DAY), servingLife: milliseconds(DAY), overlap: minutes(60) }

let clock: ManualClock
let api: EmbeddedApi
let replicas: CertificateSource[]
let timersOfTheApi: number
const { log } = recordingLog()

beforeEach(async () => {
  clock = new ManualClock()
  api = await openClusterApi({ clock, random: seededRandom(), log })
  replicas = []
  timersOfTheApi = clock.pending
})
afterEach(async () => {
  for (const replica of replicas) replica.stop()
  await api.close()
})

function startReplica(seed: number, lookEvery: Duration): CertificateSource {
  const random = seededRandom(seed)
  const replica = startCertificateManager({
    store: api.store,
    clock,
    random,
    log,
    namespace: 'harvester-system',
    names: NAMES,
    policy: SHORT,
    lookEvery,
  })
  replicas.push(replica)
  return replica
}

/** Lets time pass; making keys takes real time, which the clock knows nothing of. */
async function pass(duration: Duration, step: Duration = seconds(10)): Promise<void> {
  for (let left: number = duration; left > 0; left -= step) {
    await clock.advance(milliseconds(Math.min(left, step)))
    await keysAreMade()
  }
}
/** Each replica that has looked waits for its next look. */
async function keysAreMade(): Promise<void> {
  const deadline = performance.now() + 30_000
  while (clock.pending < timersOfTheApi + replicas.length) {
    if (performance.now() > deadline) throw new Error('a replica does not come to an end')
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}
async function start(count = 1, lookEvery = seconds(10)): Promise<CertificateSource[]> {
  const started = Array.from({ length: count }, (_, index) => startReplica(index + 1, lookEvery))
  await keysAreMade()
  await pass(seconds(30))
  return started
}

/** What a client finds that trusts whom the configurations say. */
async function isServedWithTrust(source: CertificateSource): Promise<boolean> {
  const current = source.current()
  const bundles = await Promise.all(CONFIGURATIONS.map((kind) => caBundleOf(api.store, kind)))
  return (
    current !== undefined &&
    bundles.every((bundle) => isTrusted(current.parsed, readCertificates(bundle), clock.now()))
  )
}
const secretData = async () =>
  z.record(z.string(), z.string()).parse((await api.store.get(SECRETS, KEY)).data)
const authorities = async () => readCertificates(await caBundleOf(api.store)).map((ca) => ca.fingerprint256)
const serialOf = (certificate: ServingCertificate | undefined) => certificate?.parsed.serialNumber

describe('the certificates of the webhook', () => {
  test('are made at the first start, for all names of the Service, and trusted by both configurations', async () => {
    const [replica] = await start()

    expect(replica && (await isServedWithTrust(replica))).toBe(true)
    expect(replica?.problems()).toEqual([])
    const certificate = new X509Certificate(replica?.current()?.certificate ?? '')
    expect(NAMES.map((name) => certificate.checkHost(name))).toEqual(NAMES)
    expect(await api.store.get(SECRETS, KEY)).toMatchObject({ type: 'kubernetes.io/tls' })
    expect(Object.keys(await secretData()).sort()).toEqual(['ca.crt', 'ca.key', 'tls.crt', 'tls.key'])
  })

  test('are the same for replicas that start at one moment', async () => {
    const [a, b, c] = await start(3)

    expect(new Set([a, b, c].map((replica) => serialOf(replica?.current()))).size).toBe(1)
    expect(await authorities()).toHaveLength(1)
  })

  test('are renewed before they end, by the same authority', async () => {
    const [replica] = await start(1, minutes(10))
    const [serial, trusted] = [serialOf(replica?.current()), await authorities()]

    await pass(minutes(15 * 60), minutes(10))
    expect(serialOf(replica?.current())).toBe(serial)
    await pass(minutes(2 * 60), minutes(10))

    expect(serialOf(replica?.current())).not.toBe(serial)
    expect(await authorities()).toEqual(trusted)
  })

  test('change their authority without a moment of mistrust: both are trusted meanwhile', async () => {
    const [a, b] = await start(2, minutes(10))
    const [first] = await authorities()
    const trusted = new Set<number>()
    for (let hour = 0; hour < 60; hour += 0.25) {
      await pass(minutes(15), minutes(5))
      for (const replica of [a, b]) expect(replica && (await isServedWithTrust(replica))).toBe(true)
      trusted.add((await authorities()).length)
    }

    expect(trusted).toEqual(new Set([1, 2]))
    expect(await authorities()).not.toContain(first)
  }, 60_000)

  test('are made anew when somebody deletes the Secret, and the old ones are trusted while replicas change', async () => {
    const [a, b] = await start(2)
    const serial = serialOf(a?.current())
    await api.store.delete(SECRETS, KEY)

    for (let round = 0; round < 6; round += 1) {
      await pass(seconds(5))
      for (const replica of [a, b]) expect(replica && (await isServedWithTrust(replica))).toBe(true)
    }

    expect(serialOf(a?.current())).not.toBe(serial)
    expect(serialOf(a?.current())).toBe(serialOf(b?.current()))
  })

  test.each([
    ['nothing', {}],
    ['half', { 'tls.crt': 'aGVsbG8=', 'tls.key': '' }],
  ])('are repaired in a Secret that holds %s', async (_, data) => {
    await api.store.create(SECRETS, { metadata: KEY, type: 'kubernetes.io/tls', data })

    const [replica] = await start()

    expect(replica && (await isServedWithTrust(replica))).toBe(true)
    expect(Object.keys(await secretData())).toContain('ca.key')
  })

  test('are told to the API server again when somebody overwrites its configuration', async () => {
    const [replica] = await start()
    for (const kind of CONFIGURATIONS) {
      const current = await api.store.get(kind, { namespace: '', name: 'managed-dhcp' })
      await api.store.update(kind, { ...configurationOf(kind), metadata: current.metadata })
    }

    await pass(seconds(11))

    expect(replica && (await isServedWithTrust(replica))).toBe(true)
  })

  test('are served, but not ready, where no configuration asks', async () => {
    for (const kind of CONFIGURATIONS) await api.store.delete(kind, { namespace: '', name: 'managed-dhcp' })

    const [replica] = await start()

    expect(replica?.problems()).toEqual([
      'the API server may not trust this webhook: there is no MutatingWebhookConfiguration managed-dhcp: apply deploy/base/webhook, or nothing is asked of this webhook',
    ])
  })
})
