import { X509Certificate } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import type { KubeObject } from '../../../src/api/object.ts'
import { type Instant, later, milliseconds, minutes, parseInstant } from '../../../src/api/values/time.ts'
import { createAuthority, issueCertificate, type KeyPair } from '../../../src/webhook/certificates/issue.ts'
import { readMaterial, toSecretData } from '../../../src/webhook/certificates/material.ts'
import { BACKDATING, DEFAULT_POLICY, planCertificates } from '../../../src/webhook/certificates/plan.ts'

const NAMES = ['managed-dhcp-webhook.harvester-system.svc', 'managed-dhcp-webhook.harvester-system']
const NOW = parseInstant('2026-01-01T00:00:00Z')
const DAY = minutes(24 * 60)
const days = (count: number) => later(NOW, milliseconds(count * DAY))
const hours = (count: number) => later(NOW, minutes(count * 60))

const validity = (from: Instant, life: number) => ({
  from: later(from, milliseconds(-BACKDATING)),
  to: later(from, milliseconds(life)),
})
const authorityAt = (from: Instant, serial: string) =>
  createAuthority('ca', validity(from, DEFAULT_POLICY.authorityLife), serial)
const servingAt = (authority: KeyPair, from: Instant, names = NAMES) =>
  issueCertificate(authority, names, validity(from, DEFAULT_POLICY.servingLife), '4711')

const rotation = days(2434)
let ca: KeyPair
let otherCa: KeyPair
let serving: KeyPair
/** Shortly before the authority is followed by the next. */
let late: KeyPair
let next: KeyPair
beforeAll(async () => {
  ca = await authorityAt(NOW, '41')
  otherCa = await authorityAt(NOW, '42')
  serving = await servingAt(ca, NOW)
  late = await servingAt(ca, days(2430))
  next = await authorityAt(rotation, '43')
})

const parsed = ({ certificate }: KeyPair) => new X509Certificate(certificate)
const secretOf = (leaf: KeyPair, signer: KeyPair, trusted = [signer]): KubeObject => ({
  metadata: { name: 'secret' },
  data: toSecretData(leaf, signer, trusted.map(parsed)),
})
const planAt = (now: Instant, secret?: KubeObject) =>
  planCertificates(readMaterial(secret, NAMES, now), now, DEFAULT_POLICY)
const NOTHING = { newAuthority: false, newServing: false, changes: false }
const without = (secret: KubeObject, ...keys: string[]) => ({
  ...secret,
  data: { ...Object(secret.data), ...Object.fromEntries(keys.map((key) => [key, 'ZGFtYWdlZA=='])) },
})

describe('certificates', () => {
  test('are made where there are none', () => {
    expect(planAt(NOW)).toMatchObject({ newAuthority: true, newServing: true, changes: true })
  })

  test('are left alone while they are good', () => {
    expect(planAt(hours(1), secretOf(serving, ca))).toMatchObject(NOTHING)
    expect(planAt(days(59), secretOf(serving, ca))).toMatchObject(NOTHING)
  })

  test('are renewed by the same authority after two thirds of their life', () => {
    expect(planAt(days(60.1), secretOf(serving, ca))).toMatchObject({ newAuthority: false, newServing: true })
  })

  test('say themselves when to look again', () => {
    const { nextCheck } = planAt(days(59.5), secretOf(serving, ca))
    expect(planAt(nextCheck, secretOf(serving, ca))).toMatchObject({ newServing: true })
  })

  test.each([['tls.crt'], ['tls.key']])(
    'whose %s is damaged are issued anew by the same authority',
    (key) => {
      expect(planAt(hours(2), without(secretOf(serving, ca), key))).toMatchObject({
        newAuthority: false,
        newServing: true,
      })
    },
  )

  test('go on being served when the key of their authority is lost; a new one is made beside it', () => {
    const plan = planAt(hours(2), without(secretOf(serving, ca), 'ca.key'))
    expect(plan).toMatchObject({ newAuthority: true, newServing: false })
    expect(plan.trusted).toHaveLength(1)
  })

  test('that nobody would trust are made anew', () => {
    expect(planAt(hours(2), without(secretOf(serving, ca), 'ca.crt'))).toMatchObject({
      newAuthority: true,
      newServing: true,
    })
    expect(planAt(hours(2), secretOf(serving, otherCa))).toMatchObject({
      newAuthority: false,
      newServing: true,
    })
  })

  test('for other names than those of the Service are issued anew', async () => {
    const foreign = await servingAt(ca, NOW, ['other.harvester-system.svc'])
    expect(planAt(hours(2), secretOf(foreign, ca))).toMatchObject({ newAuthority: false, newServing: true })
  })
})

describe('an authority', () => {
  const sinceRotation = (count: number) => later(rotation, minutes(count))

  test('is followed by another after two thirds of its life, and serves on', () => {
    expect(planAt(days(2432), secretOf(late, ca))).toMatchObject(NOTHING)
    expect(planAt(rotation, secretOf(late, ca))).toMatchObject({ newAuthority: true, newServing: false })
  })

  test('serves until the other is known to all, and is trusted until nobody serves with it', async () => {
    const rotated = secretOf(late, next, [next, ca])
    expect(planAt(sinceRotation(59), rotated)).toMatchObject(NOTHING)
    expect(planAt(sinceRotation(61), rotated)).toMatchObject({ newAuthority: false, newServing: true })

    const switched = await servingAt(next, sinceRotation(61))
    const afterSwitch = secretOf(switched, next, [next, ca])
    expect(planAt(sinceRotation(120), afterSwitch)).toMatchObject(NOTHING)
    const cleanup = planAt(sinceRotation(122), afterSwitch)
    expect(cleanup).toMatchObject({ newAuthority: false, newServing: false, changes: true })
    expect(cleanup.trusted.map(({ fingerprint256 }) => fingerprint256)).toEqual([parsed(next).fingerprint256])
    expect(planAt(sinceRotation(122), secretOf(switched, next))).toMatchObject(NOTHING)
  })
})
