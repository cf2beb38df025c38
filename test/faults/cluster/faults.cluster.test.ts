import { afterAll, beforeAll, expect, test } from 'vitest'
import { emptyCluster } from '../../cluster/deployed/empty-cluster.ts'
import { showLogsOnFailure } from '../../cluster/kubelet/report-on-failure.ts'
import { findOverlaps, leaseIntervals, tellOverlap } from '../history/intervals.ts'
import { findMoves, tellMove } from '../history/moves.ts'
import { tableOf } from './report.ts'
import type { Measured } from './round.ts'
import { describeSingles } from './scenarios/singles.ts'
import { createFaultWorld, type FaultWorld } from './world.ts'

let made: FaultWorld | undefined
const measured: Measured[] = []

const world = (): FaultWorld => {
  if (made === undefined) throw new Error('nothing is deployed yet')
  return made
}

beforeAll(async () => {
  await emptyCluster()
  made = await createFaultWorld()
})
afterAll(async () => {
  if (measured.length > 0) process.stderr.write(`\n${tableOf(measured)}\n`)
  await made?.close()
})
showLogsOnFailure(() => made?.system.kubelets)

describeSingles(world, measured)

test('no address ever had two holders, and every MAC kept its address', () => {
  const { events } = world().history
  expect(findOverlaps(leaseIntervals(events)).map(tellOverlap)).toEqual([])
  expect(findMoves(events).map(tellMove)).toEqual([])
  expect(world().truth.wrongs).toEqual([])
})
