import { afterAll, beforeAll, expect, test } from 'vitest'
import { emptyCluster } from '../../cluster/deployed/empty-cluster.ts'
import { showLogsOnFailure } from '../../cluster/kubelet/report-on-failure.ts'
import { findOverlaps, leaseIntervals, tellOverlap } from '../history/intervals.ts'
import { findLosses, tellLoss } from '../history/losses.ts'
import { findMoves, tellMove } from '../history/moves.ts'
import { HEARD_LATE_MS } from '../support/checks.ts'
import { tableOf } from './report.ts'
import type { Measured } from './round.ts'
import { describeForgetfulBroker } from './scenarios/forgetful-broker.ts'
import { describeOldBackup } from './scenarios/old-backup.ts'
import { describeSingles } from './scenarios/singles.ts'
import { describeTogether } from './scenarios/together.ts'
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
describeTogether(world, measured)
describeForgetfulBroker(world, measured)
describeOldBackup(world, measured)

test('no address ever had two holders, and every MAC kept its address all the time', () => {
  const { excused, excusedLosses, history } = world()
  const { events } = history
  const told = new Set(excused.map(tellMove))
  expect(findOverlaps(leaseIntervals(events, { heardLateMs: HEARD_LATE_MS })).map(tellOverlap)).toEqual([])
  expect(
    findMoves(events)
      .map(tellMove)
      .filter((move) => !told.has(move)),
  ).toEqual([])
  const letDown = findLosses(events).filter((loss) => !excusedLosses.includes(tellLoss(loss)))
  expect(letDown.map(tellLoss)).toEqual([])
  expect(world().truth.wrongs).toEqual([])
})
