import { Agent, request } from 'node:https'
import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import * as z from 'zod'
import { NETWORK_ATTACHMENT_DEFINITIONS } from '../../src/api/resource.ts'
import { seconds } from '../../src/api/values/time.ts'
import type { EmbeddedApi } from '../../src/embedded/embedded-api.ts'
import type { Store } from '../../src/kube/store.ts'
import { createMetrics } from '../../src/observe/metrics.ts'
import { startWebhook, type Webhook } from '../../src/processes/webhook/webhook.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { systemClock } from '../../src/runtime/system-clock.ts'
import { eventually } from '../e2e/support/eventually.ts'
import { poolObject } from '../support/objects.ts'
import { recordingLog } from '../support/recording-log.ts'
import { caBundleOf, openClusterApi } from './certificates/cluster.ts'

/** One of two replicas stops, while an API server goes on asking over connections that it keeps. */

const answerSchema = z.object({ response: z.looseObject({ allowed: z.boolean() }) })
const REVIEW = JSON.stringify({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: {
    uid: 'review-1',
    kind: { group: 'network.harvesterhci.io', kind: 'IPPool' },
    resource: { group: 'network.harvesterhci.io', resource: 'ippools' },
    namespace: 'default',
    operation: 'CREATE',
    object: poolObject(),
  },
})
/** How long each question to the cluster takes. */
const SLOWNESS = 200
const { log } = recordingLog()

let api: EmbeddedApi
let webhooks: Webhook[]
let agent: Agent
/** What the replicas asked the cluster. */
let questions = 0
beforeEach(async () => {
  const parts = { clock: systemClock, random: systemRandom, log }
  api = await openClusterApi(parts)
  const store: Store = {
    ...api.store,
    list: async (resource, options) => {
      questions += 1
      await wait(SLOWNESS)
      return api.store.list(resource, options)
    },
  }
  const metadata = { namespace: 'default', name: 'net-48' }
  await api.store.create(NETWORK_ATTACHMENT_DEFINITIONS, { metadata, spec: { config: '{}' } })
  webhooks = await Promise.all(
    ['one', 'other'].map((version) =>
      startWebhook({
        ...parts,
        store,
        host: '127.0.0.1',
        port: 0,
        namespace: 'harvester-system',
        service: 'managed-dhcp-webhook',
        metrics: createMetrics({ component: 'webhook', version, withProcessMetrics: false }),
      }),
    ),
  )
  await eventually('both replicas are ready', async () =>
    webhooks.every((webhook) => webhook.ready().ok) ? true : undefined,
  )
  agent = new Agent({ keepAlive: true, ca: await caBundleOf(api.store) })
})
afterEach(async () => {
  agent?.destroy()
  await Promise.all((webhooks ?? []).map((webhook) => webhook.stop(seconds(0))))
  await api?.close()
})

function isAllowed(webhook: Webhook | undefined): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        agent,
        host: '127.0.0.1',
        port: webhook?.port,
        servername: 'managed-dhcp-webhook.harvester-system.svc',
        path: '/validate?timeout=20s',
        method: 'POST',
        headers: { 'content-type': 'application/json' },
      },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () => {
          const body = answerSchema.safeParse(JSON.parse(Buffer.concat(chunks).toString('utf8')))
          resolve(response.statusCode === 200 && body.data?.response.allowed === true)
        })
      },
    )
    sent.on('error', reject)
    sent.end(REVIEW)
  })
}

test('no write is refused while one of two replicas stops, although nodes hear of it seconds later', async () => {
  const [going, staying] = webhooks
  // What a node sends to: both, until it has heard that one is not ready.
  let endpoints = [going, staying]
  let isStopped = false
  let count = 0
  const writer = async () => {
    const answers: boolean[] = []
    while (!isStopped) {
      count += 1
      answers.push(await isAllowed(endpoints[count % endpoints.length]))
    }
    return answers
  }
  const writers = Array.from({ length: 8 }, writer)
  await wait(500)

  const stopping = going?.stop()
  expect(going?.ready()).toEqual({ ok: false, reasons: ['it is stopping'] })
  await wait(3000)
  endpoints = [staying]
  await stopping
  await wait(500)
  isStopped = true

  const answers = (await Promise.all(writers)).flat()
  expect(answers.length).toBeGreaterThan(20)
  expect(answers).not.toContain(false)
})

test('what was asked before the door is closed is answered', async () => {
  const [going] = webhooks
  questions = 0
  const asked = isAllowed(going)
  await eventually('the replica to look into it', () => (questions > 0 ? true : undefined), { pauseMs: 5 })

  await going?.stop(seconds(0))

  expect(await asked).toBe(true)
  await expect(isAllowed(going)).rejects.toThrow(/ECONNREFUSED|ECONNRESET|socket hang up/)
})
