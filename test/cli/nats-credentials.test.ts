import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { SECRETS } from '../../src/api/resource.ts'
import { ensureNatsCredentials } from '../../src/cli/nats-credentials.ts'
import { openEmbeddedApi } from '../../src/embedded/embedded-api.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { systemClock } from '../../src/runtime/system-clock.ts'

const KEY = { namespace: 'harvester-system', name: 'managed-dhcp-nats-credentials' }

async function setUp() {
  const api = await openEmbeddedApi({
    clock: systemClock,
    random: systemRandom,
    log: pino({ level: 'silent' }),
  })
  onTestFinished(() => api.close())
  const { store } = api
  const passwords = async () => {
    const { data } = (await store.get(SECRETS, KEY)) as { data?: Record<string, string> }
    return Object.fromEntries(
      Object.entries(data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]),
    )
  }
  return { store, passwords }
}

test('the Secret is made with three passwords that differ and need no quotes', async () => {
  const { store, passwords } = await setUp()
  expect(await ensureNatsCredentials(store, KEY)).toBe(`Secret ${KEY.namespace}/${KEY.name} was made`)
  const made = await passwords()
  expect(Object.keys(made).sort()).toEqual(['agent-password', 'controller-password', 'tap-password'])
  expect(new Set(Object.values(made)).size).toBe(3)
  for (const password of Object.values(made)) expect(password).toMatch(/^[A-Za-z]{32}$/)
  expect(await store.get(SECRETS, KEY)).toMatchObject({ type: 'Opaque' })
})

test('a second run changes nothing', async () => {
  const { store, passwords } = await setUp()
  await ensureNatsCredentials(store, KEY)
  const made = await passwords()
  expect(await ensureNatsCredentials(store, KEY)).toMatch(/is there$/)
  expect(await passwords()).toEqual(made)
})

test('what is missing is added, what is there stays, also what is not ours', async () => {
  const { store, passwords } = await setUp()
  await store.create(SECRETS, {
    metadata: KEY,
    type: 'Opaque',
    data: { 'agent-password': btoa('by hand'), 'tap-password': '', 'other-key': btoa('kept') },
  })
  expect(await ensureNatsCredentials(store, KEY, () => 'new')).toMatch(
    /was completed: controller-password, tap-password$/,
  )
  expect(await passwords()).toEqual({
    'agent-password': 'by hand',
    'controller-password': 'new',
    'other-key': 'kept',
    'tap-password': 'new',
  })
})

test('replicas that start at once agree on one Secret', async () => {
  const { store, passwords } = await setUp()
  const outcomes = await Promise.all(Array.from({ length: 5 }, () => ensureNatsCredentials(store, KEY)))
  expect(outcomes.filter((outcome) => outcome.endsWith('was made'))).toHaveLength(1)
  expect(Object.keys(await passwords())).toHaveLength(3)
})
