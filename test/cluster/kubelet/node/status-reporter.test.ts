import pino from 'pino'
import { beforeEach, expect, test } from 'vitest'
import { seconds } from '../../../../src/api/values/time.ts'
import { ConflictError, NotFoundError, UnavailableError } from '../../../../src/kube/errors.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import { type PodHead, podHeadSchema } from '../spec/pod-schema.ts'
import { ApiLink } from './context.ts'
import { StatusReporter } from './status-reporter.ts'

const clock = new ManualClock()
let link: ApiLink
/** What the API server has, and what the node has heard of. */
let present: PodHead
let seen: PodHead | undefined
let wanted: string
let failures: Error[]
let writes: number
let reporter: StatusReporter

const pod = (message: string) =>
  podHeadSchema.parse({ metadata: { namespace: 'a', name: 'b', uid: 'c' }, spec: {}, status: { message } })

beforeEach(() => {
  link = new ApiLink()
  ;[present, seen, wanted, failures, writes] = [pod(''), pod(''), 'ready', [], 0]
  const api = {
    readPod: async () => present,
    patchStatus: async (_pod: PodHead, status: PodHead['status']) => {
      writes += 1
      const failure = failures.shift()
      if (failure !== undefined) throw failure
      present = { ...present, status }
    },
  }
  reporter = new StatusReporter(
    { api, link, clock, log: pino({ level: 'silent' }) },
    { seen: () => seen, wanted: () => ({ message: wanted }) },
  )
})

/** The watch tells of what the API server has. */
async function hear(): Promise<void> {
  seen = present
  reporter.changed()
  await clock.advance(seconds(5))
}

test('what others wrote over it is written again, as often as they do', async () => {
  await hear()
  for (let round = 0; round < 3; round++) {
    present = pod('node is not ready')
    await hear()
    expect(present.status).toEqual({ message: 'ready' })
  }
})

test('what is there already is not written', async () => {
  present = pod('ready')
  reporter.changed()
  await clock.advance(seconds(5))
  await hear()
  expect(writes).toBe(0)
})

test('a write that failed is tried until it works, with what is true by then', async () => {
  failures = [
    new UnavailableError(0, 'connection refused'),
    new ConflictError('changed'),
    new UnavailableError(503, 'starting'),
  ]
  reporter.changed()
  await clock.settle()
  wanted = 'ready again'
  await clock.advance(seconds(5))
  expect(present.status).toEqual({ message: 'ready again' })
  expect(writes).toBe(4)
})

test('while the node is cut off nothing is written; then the latest', async () => {
  link.cut()
  reporter.changed()
  await clock.advance(seconds(5))
  wanted = 'ready again'
  expect(writes).toBe(0)
  link.restore()
  await clock.settle()
  expect(present.status).toEqual({ message: 'ready again' })
})

test('nothing is tried for a pod that is gone', async () => {
  failures = [new NotFoundError('no such pod')]
  reporter.changed()
  await clock.advance(seconds(5))
  expect(writes).toBe(1)
  seen = undefined
  reporter.changed()
  await clock.advance(seconds(5))
  expect(writes).toBe(1)
})
