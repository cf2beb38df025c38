import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decide, initialAgentState, isServing } from '../../../actors/agent/decide.ts'
import { bindingOf } from '../../../actors/agent/lease-table.ts'
import type { AgentEffect, AgentMessage } from '../../../actors/agent/messages.ts'
import type { AgentState } from '../../../actors/agent/state.ts'
import {
  formatIPv4Address,
  LIMITED_BROADCAST_ADDRESS,
  UNSPECIFIED_ADDRESS,
} from '../../../src/api/values/ipv4-address.ts'
import { parseMacAddress } from '../../../src/api/values/mac-address.ts'
import { type Instant, later, milliseconds, parseInstant, seconds } from '../../../src/api/values/time.ts'
import { encodePacket } from '../../../src/dhcp/encode-packet.ts'
import { discover, initReboot, ip, mac } from '../../dhcp/builders.ts'
import { poolObject } from '../../support/objects.ts'
import { delta, MAC, OTHER_MAC, snapshot } from './builders.ts'

class AgentDriver {
  state: AgentState
  effects: AgentEffect[] = []
  now: Instant = parseInstant('2026-01-01T00:00:00Z')

  constructor(...messages: AgentMessage[]) {
    this.state = initialAgentState(this.now)
    for (const message of messages) this.tell(message)
    this.effects = []
  }

  tell(message: AgentMessage): void {
    const { state, effects } = decide(this.state, message, this.now)
    this.state = state
    this.effects.push(...effects)
  }

  pass(count: number): void {
    this.now = later(this.now, seconds(count))
    this.tell({ type: 'tick' })
  }

  bindingOf(text: string): string | undefined {
    const { table } = this.state
    const binding = table === undefined ? undefined : bindingOf(table, parseMacAddress(text))
    return typeof binding === 'number' ? formatIPv4Address(binding) : binding
  }

  /** What a client is told: the outcomes of the events that its message leads to. */
  hears(packet: ReturnType<typeof discover>): string[] {
    const { effects } = decide(
      this.state,
      {
        type: 'datagrams',
        datagrams: [
          {
            sourceAddress: UNSPECIFIED_ADDRESS,
            sourcePort: 68,
            destinationAddress: LIMITED_BROADCAST_ADDRESS,
            payload: encodePacket(packet, 1500),
          },
        ],
      },
      this.now,
    )
    return effects.flatMap((effect) =>
      effect.type === 'publish'
        ? [`${effect.event.type} ${effect.event.address ?? effect.event.reason}`]
        : [],
    )
  }

  lastReport() {
    return this.effects.findLast((effect) => effect.type === 'report')?.report
  }

  did(type: AgentEffect['type']): number {
    return this.effects.filter((effect) => effect.type === type).length
  }
}

const from = (source: 'file' | 'watch' | 'pool' | 'read', changes = {}): AgentMessage => ({
  type: 'snapshot',
  source,
  snapshot: snapshot(changes),
})

describe('learning', () => {
  test('an agent asks for a snapshot when it starts', () => {
    const driver = new AgentDriver()
    driver.tell({ type: 'tick' })

    expect(driver.did('request-snapshot')).toBe(1)
  })

  test('a delta that follows is applied, and kept', () => {
    const driver = new AgentDriver(from('watch'))

    driver.tell({ type: 'delta', delta: delta() })

    expect(driver.bindingOf(OTHER_MAC)).toBe('192.168.48.85')
    expect(driver.did('save')).toBe(1)
  })

  test.each([
    ['a gap', delta({ previousRevision: 6, revision: 7 })],
    ['another spec', delta({ generation: 2 })],
    ['another pool of that name', delta({ uid: 'another' })],
  ])('%s in a delta makes it ask for a snapshot', (_, message) => {
    const driver = new AgentDriver(from('watch'))

    driver.tell({ type: 'delta', delta: message })

    expect(driver.did('request-snapshot')).toBe(1)
    expect(driver.bindingOf(OTHER_MAC)).toBeUndefined()
  })

  test('a delta that comes twice or late changes nothing', () => {
    const driver = new AgentDriver(from('watch', { revision: 7, leases: {} }))

    driver.tell({ type: 'delta', delta: delta() })

    expect(driver.bindingOf(OTHER_MAC)).toBeUndefined()
    expect(driver.did('request-snapshot')).toBe(0)
  })

  test('an older snapshot is believed only when the API, read anew, says the same', () => {
    const driver = new AgentDriver(from('watch', { revision: 9 }))
    driver.tell(from('pool', { revision: 8, leases: {} }))
    expect(driver.bindingOf(MAC)).toBe('192.168.48.84')
    driver.pass(3)
    expect(driver.did('read-pool')).toBe(1)

    driver.tell(from('read', { revision: 8, leases: {} }))

    expect(driver.bindingOf(MAC)).toBe('revoked')
  })

  test.each([
    ['a delta', { type: 'delta', delta: delta({ leases: { '192.168.48.84': OTHER_MAC } }) }],
    ['a delta from far ahead', { type: 'delta', delta: delta({ revision: Number.MAX_SAFE_INTEGER }) }],
    ['a snapshot', from('pool', { revision: 6, leases: { '192.168.48.84': OTHER_MAC } })],
    ['a snapshot of the same revision', from('pool', { leases: { '192.168.48.84': OTHER_MAC } })],
  ] satisfies [string, AgentMessage][])(
    '%s that no watch confirms is corrected by a read of the API',
    (_, forged) => {
      const driver = new AgentDriver(from('watch'))
      driver.tell(forged)
      expect(driver.bindingOf(OTHER_MAC)).toBeDefined()
      driver.pass(3)
      expect(driver.did('read-pool')).toBe(1)

      driver.tell(from('read'))

      expect(driver.bindingOf(OTHER_MAC)).toBe('revoked')
      expect(driver.bindingOf(MAC)).toBe('192.168.48.84')
    },
  )

  test('what the state file says is checked: its pool may be gone since', () => {
    const driver = new AgentDriver(from('file'))
    driver.pass(3)
    expect(driver.did('read-pool')).toBe(1)

    driver.tell({ type: 'pool-gone' })
    driver.pass(10)

    expect(isServing(driver.state)).toBe(false)
    expect(driver.did('read-pool')).toBe(1)
  })

  test('a delta that the watch confirms costs no read', () => {
    const driver = new AgentDriver(from('watch'))
    driver.tell({ type: 'delta', delta: delta() })
    driver.tell(from('watch', { revision: 6, leases: { '192.168.48.84': MAC, '192.168.48.85': OTHER_MAC } }))

    driver.pass(10)

    expect(driver.did('read-pool')).toBe(0)
  })

  test('a read that was overtaken by a delta sets nothing back', () => {
    const driver = new AgentDriver(from('watch'))
    driver.tell(from('pool', { revision: 4 }))
    driver.pass(3)
    driver.tell({ type: 'delta', delta: delta({ leases: { '192.168.48.84': null } }) })

    driver.tell(from('read'))

    expect(driver.bindingOf(MAC)).toBe('revoked')
  })

  test('a snapshot of an earlier pool that comes late from its actor is not believed', () => {
    const driver = new AgentDriver(from('watch', { uid: 'new' }))

    driver.tell(from('pool', { uid: 'old', revision: 99, leases: {} }))

    expect(driver.bindingOf(MAC)).toBe('192.168.48.84')
  })

  test('the state file is served from, until anybody knows better', () => {
    const driver = new AgentDriver(from('file'))
    expect(isServing(driver.state)).toBe(true)

    driver.tell(from('pool', { uid: 'new', revision: 1, leases: {} }))
    driver.tell(from('file'))

    expect(driver.bindingOf(MAC)).toBe('revoked')
  })

  test('a spec that cannot be served leaves what is served as it is', () => {
    const driver = new AgentDriver(from('watch'))
    const { spec } = poolObject({ ipv4Config: { cidr: 'nonsense' } })

    driver.tell(from('watch', { revision: 6, generation: 2, spec }))

    expect(driver.did('warn')).toBe(1)
    expect(driver.hears(discover())).toEqual(['offer 192.168.48.84'])
  })

  test('more servers than an option can carry are refused, not a crash', () => {
    const driver = new AgentDriver(from('watch'))
    const ntpServers = Array.from({ length: 100 }, (_, index) => `10.0.0.${index}`)

    driver.tell(from('watch', { revision: 6, ntpServers }))

    expect(driver.did('warn')).toBe(1)
    expect(isServing(driver.state)).toBe(true)
  })

  test('of two addresses that somebody wrote down for one MAC the lower counts', () => {
    const driver = new AgentDriver(from('watch', { leases: { '192.168.48.86': MAC, '192.168.48.84': MAC } }))
    expect(driver.bindingOf(MAC)).toBe('192.168.48.84')

    driver.tell({ type: 'delta', delta: delta({ leases: { '192.168.48.86': null } }) })

    expect(driver.bindingOf(MAC)).toBe('192.168.48.84')
  })

  test('a pool that is gone is not served any more, and its state file goes', () => {
    const driver = new AgentDriver(from('watch'))

    driver.tell({ type: 'pool-gone' })

    expect(isServing(driver.state)).toBe(false)
    expect(driver.did('save')).toBe(1)
  })
})

describe('answering', () => {
  const client = mac(MAC)

  test('a paused pool is not served', () => {
    const driver = new AgentDriver(from('watch', { spec: poolObject({ spec: { paused: true } }).spec }))

    expect(driver.hears(discover({ mac: client }))).toEqual([])
    expect(driver.state.reported?.report.serving).toBe(false)
  })

  test('a MAC that lost its address is told so', () => {
    const driver = new AgentDriver(from('watch'))
    driver.tell({ type: 'delta', delta: delta({ leases: { '192.168.48.84': null } }) })

    expect(driver.hears(discover({ mac: client }))).toEqual(['ignored unknown-client'])
    expect(driver.hears(initReboot(ip('192.168.48.84'), { mac: client }))).toEqual(['nak no-address'])
  })

  test('an agent that was out of touch lets the last lease that it gave run out before another MAC gets the address', () => {
    const driver = new AgentDriver(from('watch'))
    expect(driver.hears(initReboot(ip('192.168.48.84'), { mac: client }))).toEqual(['ack 192.168.48.84'])

    driver.tell(from('watch', { revision: 20, leases: { '192.168.48.84': OTHER_MAC } }))

    expect(driver.hears(discover({ mac: mac(OTHER_MAC) }))).toEqual(['ignored address-resting'])
    driver.pass(300)
    expect(driver.hears(discover({ mac: mac(OTHER_MAC) }))).toEqual(['offer 192.168.48.84'])
  })

  test('a lease counts also when its address was free for a while in between', () => {
    const driver = new AgentDriver(from('watch', { revision: 7 }))
    driver.hears(initReboot(ip('192.168.48.84'), { mac: client }))
    const step = (revision: number, holder: string | null) => {
      const leases = { '192.168.48.84': holder }
      driver.tell({ type: 'delta', delta: delta({ revision, previousRevision: revision - 1, leases }) })
    }
    step(8, null)
    step(9, client)

    step(10, OTHER_MAC)

    expect(driver.hears(discover({ mac: mac(OTHER_MAC) }))).toEqual(['ignored address-resting'])
  })

  test('an address that came free is remembered until its last lease has run out, and no longer', () => {
    const driver = new AgentDriver(from('watch', { revision: 7 }))
    driver.hears(initReboot(ip('192.168.48.84'), { mac: client }))
    const leases = { '192.168.48.84': null }
    driver.tell({ type: 'delta', delta: delta({ revision: 8, previousRevision: 7, leases }) })

    driver.pass(299)
    expect(driver.state.table?.freed.size).toBe(1)
    driver.pass(1)
    expect(driver.state.table?.freed.size).toBe(0)
  })

  test('an address that its pool gives to another after it was free is not held back: the pool knows best', () => {
    const driver = new AgentDriver(from('watch', { revision: 7 }))
    driver.hears(initReboot(ip('192.168.48.84'), { mac: client }))
    driver.tell({
      type: 'delta',
      delta: delta({ revision: 8, previousRevision: 7, leases: { '192.168.48.84': null } }),
    })
    driver.tell({
      type: 'delta',
      delta: delta({ revision: 9, previousRevision: 8, leases: { '192.168.48.84': OTHER_MAC } }),
    })

    expect(driver.hears(discover({ mac: mac(OTHER_MAC) }))).toEqual(['offer 192.168.48.84'])
  })

  test('what an earlier life gave, as its state file tells, runs out too before another MAC gets the address', () => {
    const driver = new AgentDriver(from('file'))

    driver.tell(from('watch', { revision: 20, leases: { '192.168.48.84': OTHER_MAC } }))

    expect(driver.hears(discover({ mac: mac(OTHER_MAC) }))).toEqual(['ignored address-resting'])
    driver.pass(300)
    expect(driver.hears(discover({ mac: mac(OTHER_MAC) }))).toEqual(['offer 192.168.48.84'])
  })

  describe('when the API server goes back to a backup that does not know a lease', () => {
    function restored(): AgentDriver {
      const driver = new AgentDriver(from('watch'))
      driver.hears(initReboot(ip('192.168.48.84'), { mac: client }))
      driver.tell(from('watch', { revision: 4, leases: {} }))
      driver.pass(3)
      driver.tell(from('read', { revision: 4, leases: {} }))
      return driver
    }
    const given = { revision: 5, previousRevision: 4, leases: { '192.168.48.84': OTHER_MAC } }

    test('its address goes to no other MAC before a lease time has passed, also in later steps', () => {
      const driver = restored()
      driver.tell({ type: 'delta', delta: delta(given) })
      expect(driver.hears(discover({ mac: mac(OTHER_MAC) }))).toEqual(['ignored address-resting'])
      driver.tell(from('watch', { ...given, ntpServers: ['162.159.200.1'] }))
      expect(driver.hears(discover({ mac: mac(OTHER_MAC) }))).toEqual(['ignored address-resting'])

      driver.pass(300)
      expect(driver.hears(discover({ mac: mac(OTHER_MAC) }))).toEqual(['offer 192.168.48.84'])
    })

    test('its client is told nothing, and the pool hears of it as long as it may run', () => {
      const driver = restored()

      expect(driver.hears(initReboot(ip('192.168.48.84'), { mac: client }))).toEqual([
        'ignored unknown-client',
      ])
      const until = '2026-01-01T00:05:03Z'
      expect(driver.lastReport()?.unknownLeases).toEqual([
        { address: '192.168.48.84', macAddress: MAC, until, remainingMs: 300_000 },
      ])
      driver.pass(300)
      expect(driver.lastReport()?.unknownLeases).toBeUndefined()
      expect(driver.state.table?.outstanding.size).toBe(0)
    })

    test('the end that the pool is told is never before the end of the lease, and is no news every second', () => {
      const driver = new AgentDriver(from('watch'))
      driver.now = later(driver.now, milliseconds(1))
      driver.tell(from('watch', { revision: 4, leases: {} }))
      driver.pass(3)
      driver.tell(from('read', { revision: 4, leases: {} }))
      const [lease] = driver.lastReport()?.unknownLeases ?? []
      expect(lease).toMatchObject({ until: '2026-01-01T00:05:04Z', remainingMs: 300_000 })
      const told = driver.did('report')

      for (let second = 0; second < 5; second++) driver.pass(1)

      expect(driver.did('report')).toBe(told)
    })

    test('its own MAC gets the address at once when the VM is made again', () => {
      const driver = restored()
      driver.tell({ type: 'delta', delta: delta({ ...given, leases: { '192.168.48.84': MAC } }) })

      expect(driver.hears(discover({ mac: client }))).toEqual(['offer 192.168.48.84'])
    })
  })

  describe('when the API server goes back to a backup from before the pool, which is then made again', () => {
    const again = { uid: 'another', revision: 1, leases: { '192.168.48.84': OTHER_MAC } }

    test.each([
      ['seen to be gone in between', true],
      ['seen in one step', false],
    ])('the leases of the first one run out before another MAC gets their addresses: %s', (_, isSeenGone) => {
      const driver = new AgentDriver(from('watch'))
      driver.hears(initReboot(ip('192.168.48.84'), { mac: client }))
      if (isSeenGone) driver.tell({ type: 'pool-gone' })

      driver.tell(from('watch', again))

      expect(driver.hears(discover({ mac: mac(OTHER_MAC) }))).toEqual(['ignored address-resting'])
      driver.pass(300)
      expect(driver.hears(discover({ mac: mac(OTHER_MAC) }))).toEqual(['offer 192.168.48.84'])
    })

    test('the new pool hears of them, so that it gives their addresses to nobody', () => {
      const driver = new AgentDriver(from('watch'))
      driver.hears(initReboot(ip('192.168.48.84'), { mac: client }))
      driver.tell({ type: 'pool-gone' })

      driver.tell(from('watch', { ...again, leases: {} }))

      expect(driver.lastReport()).toMatchObject({
        uid: 'another',
        unknownLeases: [{ address: '192.168.48.84', macAddress: MAC }],
      })
    })

    test('a pool on another network hears nothing of them', () => {
      const driver = new AgentDriver(from('watch'))
      driver.hears(initReboot(ip('192.168.48.84'), { mac: client }))
      driver.tell({ type: 'pool-gone' })

      const { spec } = poolObject({ spec: { networkName: 'default/net-49' } })
      driver.tell(from('watch', { ...again, spec }))

      expect(driver.hears(discover({ mac: mac(OTHER_MAC) }))).toEqual(['offer 192.168.48.84'])
    })
  })

  test('an address that was seen free is told to its next MAC at once', () => {
    const driver = new AgentDriver(from('watch'))
    driver.hears(initReboot(ip('192.168.48.84'), { mac: client }))
    driver.tell({ type: 'delta', delta: delta({ leases: { '192.168.48.84': null } }) })
    driver.tell({
      type: 'delta',
      delta: delta({ previousRevision: 6, revision: 7, leases: { '192.168.48.84': OTHER_MAC } }),
    })

    expect(driver.hears(discover({ mac: mac(OTHER_MAC) }))).toEqual(['offer 192.168.48.84'])
  })

  test('of leases that have run out nothing is remembered', () => {
    const driver = new AgentDriver(from('watch'))
    driver.hears(initReboot(ip('192.168.48.84'), { mac: client }))
    driver.tell({ type: 'delta', delta: delta({ leases: { '192.168.48.84': null } }) })
    expect(driver.state.table?.freed.size).toBe(1)

    driver.pass(300)

    expect(driver.state.table?.freed.size).toBe(0)
  })

  test('no datagram makes it fail', () => {
    const driver = new AgentDriver(from('watch'))
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), fc.boolean(), (bytes, isPlausible) => {
        const payload = isPlausible
          ? Uint8Array.from([...encodePacket(discover({ mac: client }), 1500).slice(0, 240), ...bytes])
          : bytes
        const datagram = {
          sourceAddress: UNSPECIFIED_ADDRESS,
          sourcePort: 68,
          destinationAddress: LIMITED_BROADCAST_ADDRESS,
          payload,
        }
        driver.tell({ type: 'datagrams', datagrams: [datagram] })
      }),
      { numRuns: 2000 },
    )
  })
})

describe('reports', () => {
  test('the pool hears at once when serving begins or ends, and every ten seconds that the agent lives', () => {
    const driver = new AgentDriver()
    driver.tell(from('watch'))
    expect(driver.did('report')).toBe(1)
    for (let second = 0; second < 10; second++) driver.pass(1)
    expect(driver.did('report')).toBe(2)

    driver.tell(
      from('watch', { generation: 2, revision: 6, spec: poolObject({ spec: { paused: true } }).spec }),
    )

    expect(driver.effects.at(-1)).toMatchObject({
      type: 'report',
      report: { serving: false, reason: 'Paused' },
    })
  })
})

/** The pool's true history: at each revision, who has which address. */
const history = fc
  .array(
    fc.array(fc.tuple(fc.integer({ min: 80, max: 84 }), fc.integer({ min: 0, max: 4 })), { maxLength: 3 }),
    {
      minLength: 1,
      maxLength: 12,
    },
  )
  .map((changes) => {
    const versions: Record<string, string>[] = [{}]
    for (const change of changes) {
      const next = { ...versions.at(-1) }
      for (const [last, who] of change) {
        const macText = `02:00:00:00:00:0${who}`
        for (const [address, holder] of Object.entries(next)) if (holder === macText) delete next[address]
        delete next[`192.168.48.${last}`]
        if (who > 0) next[`192.168.48.${last}`] = macText
      }
      versions.push(next)
    }
    return versions
  })

test('whatever order snapshots and deltas come in, lost or doubled, the agent comes to what the pool says', () => {
  const arrivals = fc.array(
    fc.record({ of: fc.nat(100), how: fc.constantFrom('delta', 'watch', 'pool', 'tick') }),
    {
      maxLength: 40,
    },
  )
  fc.assert(
    fc.property(history, arrivals, (versions, messages) => {
      const driver = new AgentDriver()
      const snapshotAt = (revision: number) => snapshot({ revision, leases: versions[revision] ?? {} })
      const deltaAt = (revision: number) => {
        const before = versions[revision - 1] ?? {}
        const after = versions[revision] ?? {}
        const changed: Record<string, string | null> = {}
        for (const [address, macText] of Object.entries(after))
          if (before[address] !== macText) changed[address] = macText
        for (const address of Object.keys(before)) if (after[address] === undefined) changed[address] = null
        return delta({ previousRevision: revision - 1, revision, leases: changed })
      }
      let newest = -1
      for (const { of, how } of messages) {
        const revision = of % versions.length
        if (how === 'tick') driver.pass(1)
        else if (how === 'delta' && revision > 0) driver.tell({ type: 'delta', delta: deltaAt(revision) })
        else if (how !== 'delta')
          driver.tell({
            type: 'snapshot',
            source: how === 'pool' ? 'pool' : 'watch',
            snapshot: snapshotAt(revision),
          })
        const known = driver.state.table?.snapshot.revision ?? -1
        // What was learned is never unlearned, and is the truth of one revision.
        expect(known).toBeGreaterThanOrEqual(newest)
        newest = known
        if (known >= 0) {
          for (let who = 1; who < 5; who++) {
            const macText = `02:00:00:00:00:0${who}`
            const [address] =
              Object.entries(versions[known] ?? {}).find(([, holder]) => holder === macText) ?? []
            const binding = driver.bindingOf(macText)
            expect(binding === 'revoked' ? undefined : binding).toBe(address)
          }
        }
      }

      // The watch always tells of the last version in the end.
      driver.tell({ type: 'snapshot', source: 'watch', snapshot: snapshotAt(versions.length - 1) })
      expect(driver.state.table?.snapshot.revision).toBe(versions.length - 1)
    }),
    { numRuns: 500 },
  )
})
