import { expect, test } from 'vitest'
import type { IPPool } from '../../../src/api/ippool.ts'
import { ipPoolSchema } from '../../../src/api/ippool.ts'
import { takenTooEarly } from './truth.ts'

const OLD = '02:00:00:00:00:01'
const NEW = '02:00:00:00:00:02'
const ADDRESS = '192.168.48.81'
const UNTIL = '2026-01-01T00:01:00Z'
const resting = { [ADDRESS]: { macAddress: OLD, until: UNTIL } }

test('an address that rests for one MAC and is given to another is told', () => {
  expect(takenTooEarly(pool(1, {}, resting), pool(2, { [ADDRESS]: NEW }), Date.parse(UNTIL) - 1)).toEqual([
    `${NEW} was given ${ADDRESS}, which rests for ${OLD} until ${UNTIL}`,
  ])
})

test('when the rest is over, or for the MAC that it rests for, there is nothing to tell', () => {
  expect(takenTooEarly(pool(1, {}, resting), pool(2, { [ADDRESS]: NEW }), Date.parse(UNTIL))).toEqual([])
  expect(takenTooEarly(pool(1, {}, resting), pool(2, { [ADDRESS]: OLD }), 0)).toEqual([])
})

test('a pool that went back to a backup does not know what rested', () => {
  expect(takenTooEarly(pool(5, {}, resting), pool(2, { [ADDRESS]: NEW }), 0)).toEqual([])
})

function pool(revision: number, allocated: Record<string, string>, rests = {}): IPPool {
  return ipPoolSchema.parse({
    metadata: { name: 'net-48', namespace: 'default', uid: 'one' },
    spec: {
      networkName: 'default/net-48',
      ipv4Config: {
        serverIP: '192.168.48.77',
        cidr: '192.168.48.0/24',
        pool: { start: '192.168.48.81', end: '192.168.48.90' },
      },
    },
    status: { ipv4: { allocated, resting: rests, revision } },
  })
}
