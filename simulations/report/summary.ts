import { paintWhen } from './colours.ts'
import { inColumns } from './columns.ts'
import { replayCommand } from './plan-text.ts'
import { NOTHING, plus, type ScenarioTally, type Tally } from './tally.ts'
import { amountOf, counted, grouped, printable } from './text.ts'

const HEAD = ['SCENARIO', 'RUNS', 'FAILED', 'SIMULATED', 'HOURS/S', 'EVENTS/S', 'FAILED SEEDS']
/** More are counted. */
const SEEDS_SHOWN = 5

/** The table at the end of many runs, and for each law that was violated how to see it again. */
export function renderSummary(tally: Tally, { isColoured = false } = {}): string {
  const scenarios = [...tally.scenarios].sort(([a], [b]) => (a < b ? -1 : 1))
  const total = scenarios.reduce((sum, [, of]) => plus(sum, of), NOTHING)
  const totals =
    scenarios.length > 1 ? [rowOf('total', { ...total, failedSeeds: [] }, total.failedSeeds.length)] : []
  const table = inColumns(
    [HEAD, ...scenarios.map(([name, of]) => rowOf(printable(name), of, of.failedSeeds.length)), ...totals],
    (column) => column > 0 && column < HEAD.length - 1,
  )
  return `${table}\n${renderLaws(tally, total, isColoured)}`
}

function rowOf(name: string, of: ScenarioTally, failed: number): string[] {
  const hours = of.simulatedMs / 3_600_000
  const seconds = of.wallMs / 1000
  const rate = (amount: number) => (seconds === 0 ? '-' : amountOf(amount / seconds))
  return [
    name,
    grouped(of.runs),
    failed === 0 ? '-' : grouped(failed),
    `${amountOf(hours)} h`,
    rate(hours),
    seconds === 0 ? '-' : grouped(of.events / seconds),
    seedsOf(of.failedSeeds),
  ]
}

function seedsOf(seeds: readonly number[]): string {
  const hidden = seeds.length - SEEDS_SHOWN
  return `${seeds.slice(0, SEEDS_SHOWN).join(' ')}${hidden > 0 ? ` … ${grouped(hidden)} more` : ''}`
}

function renderLaws(tally: Tally, total: ScenarioTally, isColoured: boolean): string {
  const paint = paintWhen(isColoured)
  if (tally.laws.size === 0) {
    return total.runs === 0
      ? 'nothing was run\n'
      : `${paint('green', `no law was violated in ${counted(total.runs, 'run')}`)}\n`
  }
  const laws = [...tally.laws].sort(([a, x], [b, y]) => x.seed - y.seed || (a < b ? -1 : 1))
  const lines = laws.map(
    ([law, of]) =>
      `  ${paint(['bold', 'red'], `✗ ${printable(law)}`)}, in ${counted(of.runs, 'run')}: ${paint('cyan', replayCommand(of))}\n`,
  )
  return `${counted(laws.length, 'law')} violated\n${lines.join('')}`
}
