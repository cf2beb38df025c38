import { pino } from 'pino'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { decide, initialAgentState } from '../../../actors/agent/decide.ts'
import { toSnapshot } from '../../../actors/agent/lease-table.ts'
import { leaseDeltaSchema, poolEvents } from '../../../actors/pool/contracts.ts'
import { forge } from '../../../simulations/faults/forgeries.ts'
import { spoiled } from '../../../simulations/faults/spoiled-text.ts'
import { createChance } from '../../../simulations/world/chance.ts'
import { toInstant } from '../../../src/api/values/time.ts'
import { subscribeEvent } from '../../../transports/messages/contract.ts'
import type { IncomingMessage, Transport } from '../../../transports/messages/transport.ts'
import { snapshot } from '../../actors/agent/builders.ts'

const TRUTH = snapshot({ revision: 5 })
const OWNER = { namespace: 'default', name: 'vm-1', uid: 'uid', generation: 1 }
const NOW = toInstant(1_000_000)
const envelope = z.object({ body: leaseDeltaSchema })

test('an agent that has heard the truth gives nobody another address for a forged delta', () => {
  const told = decide(initialAgentState(NOW), { type: 'snapshot', snapshot: TRUTH, source: 'read' }, NOW)
  let deltas = 0
  for (let seed = 1; seed <= 300; seed++) {
    const { kind, body, isSpoiled } = forge({
      chance: createChance(seed, 'forger'),
      truth: TRUTH,
      owner: OWNER,
    })
    const delta = envelope.safeParse(body).data?.body
    if (kind !== 'event' || isSpoiled || delta === undefined) continue
    deltas += 1
    const { state } = decide(told.state, { type: 'delta', delta }, NOW)
    expect(state.table === undefined ? undefined : toSnapshot(state.table)).toEqual(TRUTH)
  }
  expect(deltas).toBeGreaterThan(20)
})

test('what a spoiled message arrives as is taken by nobody', () => {
  const text = JSON.stringify({
    v: 1,
    type: 'pool.delta',
    body: { uid: 'x', previousRevision: 1, revision: 2, generation: 1, leases: {} },
  })
  const heard: unknown[] = []
  const receive = handlerOf((delta) => heard.push(delta))
  for (let seed = 1; seed <= 300; seed++) {
    const arrived = spoiled(text, createChance(seed, 'spoiled'))
    try {
      receive({ subject: 'a', headers: {}, body: JSON.parse(arrived) })
    } catch (error) {
      expect(error).toBeInstanceOf(SyntaxError)
    }
  }

  expect(heard).toEqual([])
})

/** What `subscribeEvent` makes of a handler of deltas. */
function handlerOf(handler: (delta: unknown) => void): (message: IncomingMessage) => void {
  const taken: ((message: IncomingMessage) => void)[] = []
  const transport: Pick<Transport, 'subscribe'> = {
    subscribe(_pattern, receive) {
      taken.push(receive)
      return { unsubscribe() {} }
    },
  }
  const nowhere = { ...unused, ...transport }
  subscribeEvent(nowhere, poolEvents.delta, 'a', handler, { log: pino({ level: 'silent' }) })
  return (message) => taken[0]?.(message)
}

const unused: Omit<Transport, 'subscribe'> = {
  publish() {},
  request: () => Promise.reject(new Error('nobody asks')),
  serve: () => ({ unsubscribe() {} }),
  connected: () => true,
  close: async () => {},
}
