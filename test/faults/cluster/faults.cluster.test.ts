import { afterAll, beforeAll, expect, test } from 'vitest'
import { emptyCluster } from '../../cluster/deployed/empty-cluster.ts'
import { showLogsOnFailure } from '../../cluster/kubelet/report-on-failure.ts'
import { findOverlaps, leaseIntervals, tellOverlap } from '../history/intervals.ts'
import { findMoves, tellMove } from '../history/moves.ts'
import { tableOf } from './report.ts'
import type { Measured } from './round.ts'
import { describeForgetfulBroker } from './scenarios/forgetful-broker.ts'
import { describeOldBackup } from './scenarios/old-backup.ts'
import { describePairs } from './scenarios/pairs.ts'
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
  if (process.env.FAULT_LOGS) process.stderr.write(made?.system.kubelets.allLogs() ?? '')
  await made?.close()
})
showLogsOnFailure(() => made?.system.kubelets)

describeSingles(world, measured)
describePairs(world, measured)
describeForgetfulBroker(world, measured)
describeOldBackup(world, measured)

test('no address ever had two holders, and every MAC kept its address', () => {
  const { excused, history } = world()
  const { events } = history
  const told = new Set(excused.map(tellMove))
  expect(findOverlaps(leaseIntervals(events)).map(tellOverlap)).toEqual([])
  expect(
    findMoves(events)
      .map(tellMove)
      .filter((move) => !told.has(move)),
  ).toEqual([])
  expect(world().truth.wrongs).toEqual([])
})
