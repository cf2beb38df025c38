import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { seconds } from '../../../src/api/values/time.ts'
import { packageFile } from '../../../src/runtime/package-root.ts'
import { systemClock } from '../../../src/runtime/system-clock.ts'
import { connectNatsTransport, type NatsTransport } from '../../../transports/messages/nats.ts'
import { run } from '../../cli/support.ts'
import { type NatsServer, startNatsServer } from '../../support/nats-server.ts'
import { recordingLog } from '../../support/recording-log.ts'

/** A broker whose certificate, for 127.0.0.1 and localhost, is of an authority that nobody knows. */

const file = (name: string) => packageFile('test', 'kube', 'tls', name)
const CA = file('ca.crt')
/** A certificate that signed nothing. */
const ANOTHER = file('client.crt')
const TLS = `tls { cert_file: "${file('server.crt')}", key_file: "${file('server.key')}", timeout: 5 }`

const KUBECONFIG = JSON.stringify({
  apiVersion: 'v1',
  kind: 'Config',
  'current-context': 'nowhere',
  contexts: [{ name: 'nowhere', context: { cluster: 'nowhere', user: 'nobody' } }],
  clusters: [{ name: 'nowhere', cluster: { server: 'http://127.0.0.1:1' } }],
  users: [{ name: 'nobody', user: {} }],
})

const { log, lines } = recordingLog()
const closers: (() => unknown)[] = []

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
  lines.length = 0
})

async function startBroker(config = TLS): Promise<NatsServer> {
  const broker = await startNatsServer(config)
  closers.push(() => broker.close())
  return broker
}

function open(servers: string, environment: NodeJS.ProcessEnv): NatsTransport {
  const transport = connectNatsTransport({ servers, name: 'test', clock: systemClock, log, environment })
  closers.push(() => transport.close())
  return transport
}

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'mdhcp-ca-'))
  closers.push(() => rmSync(made, { recursive: true }))
  return made
}

const complaint = () => lines.find(({ level }) => level >= 40)?.msg

describe('with the authority in NATS_CA_FILE', () => {
  test.each(['tls://127.0.0.1', 'tls://localhost', 'nats://127.0.0.1'])(
    'the broker at %s is spoken to',
    async (url) => {
      const broker = await startBroker()
      const transport = open(`${url}:${broker.port}`, { NATS_CA_FILE: CA })
      await transport.whenConnected()
      transport.serve('a', async ({ body }) => ({ body }))

      expect((await transport.request('a', { body: 'over TLS' }, { timeout: seconds(5) })).body).toBe(
        'over TLS',
      )
    },
  )

  test('nothing is said to a broker without TLS, not even in an URL of nats://', async () => {
    const broker = await startBroker('')
    const transport = open(broker.url, { NATS_CA_FILE: CA })

    await vi.waitFor(() => expect(complaint()).toMatch(/offers no TLS/), 5_000)
    expect(transport.connected()).toBe(false)
  })
})

test.each([
  ['without NATS_CA_FILE', {}],
  ['with another authority', { NATS_CA_FILE: ANOTHER }],
])('%s the broker is not believed, and the log says what to set', async (_, environment) => {
  const broker = await startBroker()
  const transport = open(`tls://127.0.0.1:${broker.port}`, environment)

  await vi.waitFor(() => expect(complaint()).toMatch(/certificate is not believed.*NATS_CA_FILE/), 5_000)
  expect(transport.connected()).toBe(false)
})

test('a file that is replaced counts from the next connection on', async () => {
  const caFile = join(folder(), 'ca.crt')
  copyFileSync(ANOTHER, caFile)
  const broker = await startBroker()
  const transport = open(`tls://127.0.0.1:${broker.port}`, { NATS_CA_FILE: caFile })
  await vi.waitFor(() => expect(complaint()).toMatch(/NATS_CA_FILE/), 5_000)

  copyFileSync(CA, caFile)

  await vi.waitFor(() => expect(transport.connected()).toBe(true), 10_000)
})

test.each([
  ['controller', []],
  ['agent', ['--ippool-ref', 'default/net-48', '--nic', 'lo']],
  ['tap', []],
])('with a file that is missing, %s ends at once with exit code 2 and one line', async (command, flags) => {
  const place = folder()
  const kubeconfig = join(place, 'kubeconfig')
  writeFileSync(kubeconfig, KUBECONFIG)
  const health = command === 'tap' ? [] : ['--health', '127.0.0.1:0']
  const args = [command, '--kubeconfig', kubeconfig, '--nats', 'tls://127.0.0.1:1', ...flags, ...health]

  const { code, stderr } = await run(args, { NATS_CA_FILE: '/nowhere/ca.crt' }, place)

  expect(stderr).toMatch(/^managed-dhcp: NATS_CA_FILE .*ENOENT.*\/nowhere\/ca\.crt.*\n$/)
  expect(code).toBe(2)
})
