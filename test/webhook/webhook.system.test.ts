import { request } from 'node:https'
import { connect } from 'node:tls'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import * as z from 'zod'
import {
  IP_POOLS,
  NETWORK_ATTACHMENT_DEFINITIONS,
  SECRETS,
  VM_NETWORK_CONFIGS,
} from '../../src/api/resource.ts'
import { seconds } from '../../src/api/values/time.ts'
import type { EmbeddedApi } from '../../src/embedded/embedded-api.ts'
import { createMetrics, type Metrics } from '../../src/observe/metrics.ts'
import { startWebhook, type Webhook } from '../../src/processes/webhook/webhook.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { systemClock } from '../../src/runtime/system-clock.ts'
import { CERTIFICATE_SECRET } from '../../src/webhook/certificates/manager.ts'
import { eventually } from '../e2e/support/eventually.ts'
import { configObject, poolObject, TEST_MAC } from '../support/objects.ts'
import { recordingLog } from '../support/recording-log.ts'
import { caBundleOf, openClusterApi } from './certificates/cluster.ts'

/** Two replicas, as the API server calls them: HTTPS, and trust in nobody but the caBundle of the configurations. */

const SERVICE = 'managed-dhcp-webhook.harvester-system.svc'
const answerSchema = z.object({
  response: z.looseObject({
    uid: z.string(),
    allowed: z.boolean(),
    patch: z.string().optional(),
    status: z.looseObject({ code: z.number(), message: z.string(), reason: z.string() }).optional(),
    warnings: z.array(z.string()).optional(),
  }),
})
const { log } = recordingLog()

let api: EmbeddedApi
let webhooks: Webhook[]
let metrics: Metrics
beforeEach(async () => {
  const parts = { clock: systemClock, random: systemRandom, log }
  api = await openClusterApi(parts)
  metrics = createMetrics({ component: 'webhook', version: 'test', withProcessMetrics: false })
  const options = { ...parts, store: api.store, host: '127.0.0.1', port: 0, namespace: 'harvester-system' }
  webhooks = await Promise.all(
    [metrics, createMetrics({ component: 'other', version: 'test', withProcessMetrics: false })].map((own) =>
      startWebhook({ ...options, service: 'managed-dhcp-webhook', metrics: own }),
    ),
  )
  await eventually('both replicas are ready', async () =>
    webhooks.every((webhook) => webhook.ready().ok) ? true : undefined,
  )
  const metadata = { namespace: 'default', name: 'net-48' }
  await api.store.create(NETWORK_ATTACHMENT_DEFINITIONS, { metadata, spec: { config: '{}' } })
})
afterEach(async () => {
  await Promise.all((webhooks ?? []).map((webhook) => webhook.stop(seconds(0))))
  await api?.close()
})

async function post(
  path: string,
  body: string,
  { replica = 0, maxVersion }: { replica?: number; maxVersion?: 'TLSv1.1' } = {},
): Promise<{ status: number; body: string }> {
  const ca = await caBundleOf(api.store)
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: '127.0.0.1',
        port: webhooks[replica]?.port,
        servername: SERVICE,
        ca,
        path,
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        ...(maxVersion === undefined
          ? {}
          : { minVersion: maxVersion, maxVersion, ciphers: 'ALL@SECLEVEL=0' }),
      },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }),
        )
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })
}

/** Of the certificate that a replica shows to whom connects now, and who trusts the configurations. */
async function serialNumberOf(replica: number): Promise<string> {
  const ca = await caBundleOf(api.store)
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port: webhooks[replica]?.port ?? 0, servername: SERVICE, ca }
    const socket = connect(options, () => {
      resolve(socket.getPeerCertificate().serialNumber)
      socket.destroy()
    })
    socket.on('error', reject)
  })
}

const review = (request: object) =>
  JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: 'review-1',
      kind: { group: 'network.harvesterhci.io', version: 'v1alpha1', kind: 'IPPool' },
      resource: { group: 'network.harvesterhci.io', version: 'v1alpha1', resource: 'ippools' },
      namespace: 'default',
      operation: 'CREATE',
      userInfo: { username: 'jane' },
      object: null,
      oldObject: null,
      ...request,
    },
  })
const answer = async (path: string, request: object, replica = 0) =>
  answerSchema.parse(JSON.parse((await post(`${path}?timeout=10s`, review(request), { replica })).body))
    .response

describe('the webhook', () => {
  test('both replicas answer, with one certificate that the API server trusts', async () => {
    for (const replica of [0, 1]) {
      expect(await answer('/validate', { object: poolObject() }, replica)).toEqual({
        uid: 'review-1',
        allowed: true,
      })
    }
  })

  test('both show a new certificate when there is one, without a restart and without a moment of mistrust', async () => {
    const [first] = await Promise.all([0, 1].map(serialNumberOf))
    await api.store.delete(SECRETS, { namespace: 'harvester-system', name: CERTIFICATE_SECRET })

    const mistrust: unknown[] = []
    const second = await eventually(
      'both replicas to show another certificate',
      async () => {
        const shown = await Promise.all([0, 1].map(serialNumberOf)).catch((error: unknown) => {
          mistrust.push(error)
          throw error
        })
        return shown.includes(first ?? '') ? undefined : shown
      },
      { seconds: 60 },
    )

    expect(mistrust).toEqual([])
    expect(new Set(second).size).toBe(1)
    expect(await answer('/validate', { object: poolObject() })).toMatchObject({ allowed: true })
  }, 90_000)

  test('a pool is completed by /mutate', async () => {
    const object = { ...poolObject(), spec: { networkName: 'net-48', ipv4Config: { cidr: '10.0.0.0/29' } } }

    const { allowed, patch = '' } = await answer('/mutate', { object })

    expect(allowed).toBe(true)
    expect(JSON.parse(Buffer.from(patch, 'base64').toString('utf8'))).toEqual(
      expect.arrayContaining([
        { op: 'replace', path: '/spec/networkName', value: 'default/net-48' },
        { op: 'add', path: '/spec/ipv4Config/serverIP', value: '10.0.0.1' },
        { op: 'add', path: '/spec/ipv4Config/pool', value: { start: '10.0.0.2', end: '10.0.0.6' } },
      ]),
    )
  })

  test('a wrong pool is refused as the API server refuses, with every cause', async () => {
    const object = poolObject({ ipv4Config: { serverIP: '10.0.0.1' } })

    expect(await answer('/validate', { object, name: 'net-48' })).toMatchObject({
      allowed: false,
      status: {
        code: 422,
        reason: 'Invalid',
        message: 'spec.ipv4Config.serverIP: 10.0.0.1 is outside spec.ipv4Config.cidr 192.168.48.0/24',
        details: {
          name: 'net-48',
          kind: 'IPPool',
          causes: [{ reason: 'FieldValueInvalid', field: 'spec.ipv4Config.serverIP' }],
        },
      },
    })
  })

  test('what was stored a moment ago counts: no cache lets a second pool through', async () => {
    await api.store.create(IP_POOLS, poolObject({ metadata: { name: 'first' } }))
    const object = poolObject({ metadata: { name: 'second' } })
    expect((await answer('/validate', { object }, 1)).status?.message).toContain(
      'by the IPPool default/first already',
    )

    await api.store.create(VM_NETWORK_CONFIGS, configObject({ metadata: { ownerReferences: [] } }))
    const oldObject = await api.store.get(IP_POOLS, { namespace: 'default', name: 'first' })
    expect(await answer('/validate', { operation: 'DELETE', oldObject })).toMatchObject({
      allowed: false,
      status: { code: 403, message: expect.stringContaining('VM default/test-vm asks for an address') },
    })
  })

  test('the controller, other kinds and subresources are let', async () => {
    const object = poolObject({ ipv4Config: { serverIP: '10.0.0.1' } })
    const controller = 'system:serviceaccount:harvester-system:managed-dhcp-controller'
    for (const request of [
      { object, userInfo: { username: controller } },
      { object, subResource: 'status' },
      { object, resource: { group: 'apps', version: 'v1', resource: 'deployments' } },
      { object, operation: 'CONNECT' },
    ]) {
      expect(await answer('/validate', request)).toEqual({ uid: 'review-1', allowed: true })
    }
  })

  test('nothing that is sent brings it down', async () => {
    const statuses = []
    for (const body of ['', '{', '[]', '{"request":{}}', review({ uid: '' }), review({ object: 'text' })]) {
      statuses.push((await post('/validate', body)).status)
    }
    expect(statuses).toEqual([400, 400, 400, 400, 400, 400])
    expect((await post('/validate', `"${'x'.repeat(5 * 1024 * 1024)}"`)).status).toBe(413)
    expect((await post('/elsewhere', '{}')).status).toBe(404)
    for (const object of [
      { metadata: { name: 'x' } },
      { metadata: { name: 'x' }, spec: { ipv4Config: 5 } },
    ]) {
      expect((await answer('/validate', { object })).status?.code).toBe(422)
      expect(await answer('/mutate', { object })).toEqual({ uid: 'review-1', allowed: true })
    }
  })

  test('a large update is answered', async () => {
    const allocated = Object.fromEntries(
      Array.from({ length: 40_000 }, (_, index) => [`10.1.${index >> 8}.${index & 255}`, TEST_MAC]),
    )
    const oldObject = poolObject({ status: { ipv4: { allocated } } })
    const object = { ...oldObject, spec: { ...oldObject.spec, paused: true } }

    expect(await answer('/validate', { operation: 'UPDATE', object, oldObject })).toMatchObject({
      allowed: true,
    })
  })

  test('old TLS is refused', async () => {
    await expect(post('/validate', '{}', { maxVersion: 'TLSv1.1' })).rejects.toThrow()
  })

  test('what it answered is counted', async () => {
    await answer('/validate', { object: poolObject() })
    await answer('/validate', { object: poolObject({ ipv4Config: { serverIP: 'x' } }) })

    const text = await metrics.registry.metrics()
    for (const allowed of ['true', 'false']) {
      expect(text).toContain(
        `managed_dhcp_admission_reviews_total{kind="IPPool",operation="CREATE",review="validate",allowed="${allowed}"} 1`,
      )
    }
    expect(text).toContain('managed_dhcp_admission_review_seconds_bucket')
    expect(text).toMatch(/managed_dhcp_webhook_certificate_expiry_timestamp_seconds \d+/)
  })
})
