import { expect, test } from 'vitest'
import { decide, initialAgentState, readinessOf } from '../../../actors/agent/decide.ts'
import type { AgentMessage } from '../../../actors/agent/messages.ts'
import type { AgentStanding, AgentState } from '../../../actors/agent/state.ts'
import { type Instant, later, parseInstant, seconds } from '../../../src/api/values/time.ts'
import { poolObject } from '../../support/objects.ts'
import { snapshot } from './builders.ts'

class Agent {
  state: AgentState
  reports: AgentStanding[] = []
  now: Instant = parseInstant('2026-01-01T00:00:00Z')

  constructor(...messages: AgentMessage[]) {
    this.state = initialAgentState(this.now)
    for (const message of messages) this.tell(message)
  }

  tell(message: AgentMessage): void {
    const { state, effects } = decide(this.state, message, this.now)
    this.state = state
    for (const effect of effects) if (effect.type === 'report') this.reports.push(effect.report)
  }

  pass(count: number): void {
    for (let second = 0; second < count; second++) {
      this.now = later(this.now, seconds(1))
      this.tell({ type: 'tick' })
    }
  }

  get readiness() {
    return readinessOf(this.state, 'default/net-48')
  }
}

const known: AgentMessage = { type: 'snapshot', source: 'watch', snapshot: snapshot() }
const down = { reason: 'InterfaceDown' as const, message: 'eth1 is down', serves: false }

test('an agent that knows nothing of its pool is not ready', () => {
  expect(new Agent().readiness).toEqual({
    ok: false,
    reasons: ['the IPPool default/net-48 is not known yet'],
  })
})

test('what an earlier life knew makes it ready, with nobody to ask', () => {
  expect(new Agent({ type: 'snapshot', source: 'file', snapshot: snapshot() }).readiness.ok).toBe(true)
})

test('an interface that goes down makes it unready, and the pool hears at once; so it does when it is up again', () => {
  const agent = new Agent(known)

  agent.tell({ type: 'interface', problem: down })
  expect(agent.readiness).toEqual({ ok: false, reasons: ['eth1 is down'] })
  agent.tell({ type: 'interface', problem: down })
  agent.tell({ type: 'interface', problem: undefined })
  expect(agent.readiness).toEqual({ ok: true, reasons: [] })

  expect(agent.reports.map(({ serving, reason }) => [serving, reason])).toEqual([
    [true, undefined],
    [false, 'InterfaceDown'],
    [true, undefined],
  ])
})

test('an address that another agent will bring leaves it ready, with a word about it', () => {
  const agent = new Agent(known)

  agent.tell({ type: 'interface', problem: { reason: 'AddressOutdated', message: 'not yet', serves: true } })

  expect(agent.readiness).toEqual({ ok: true, reasons: ['not yet'] })
  expect(agent.reports.at(-1)).toMatchObject({ serving: true, message: 'not yet' })
})

test('after an edit that makes no sense it serves on, and is not ready until a good one comes', () => {
  const agent = new Agent(known)
  const { spec } = poolObject({ ipv4Config: { serverIP: '10.0.0.1' } })

  agent.tell({ type: 'snapshot', source: 'watch', snapshot: snapshot({ revision: 6, generation: 2, spec }) })
  expect(agent.readiness).toMatchObject({ ok: false, reasons: [expect.stringContaining('cannot be served')] })
  expect(agent.reports.at(-1)).toMatchObject({ serving: true, revision: 5 })

  agent.tell({ type: 'snapshot', source: 'watch', snapshot: snapshot({ revision: 7, generation: 3 }) })
  expect(agent.readiness).toEqual({ ok: true, reasons: [] })
})

test('a report that nobody took is repeated soon; one that was taken is not', () => {
  const agent = new Agent(known)
  agent.pass(5)
  expect(agent.reports).toHaveLength(1)

  agent.tell({ type: 'report-failed' })
  agent.pass(1)

  expect(agent.reports).toHaveLength(2)
})
