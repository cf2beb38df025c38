import { type Command, InvalidArgumentError, Option } from 'commander'
import type { CommandContext } from '../command-context.ts'

interface SimulateFlags {
  scenario?: string[]
  seed?: number
  runs?: number
  jobs?: number
  list?: boolean
  plan?: string
  regressions?: boolean
  out: string
  shrink: boolean
  coverage?: boolean
  verify?: boolean
}

export function addSimulateCommand(program: Command, { done }: CommandContext): void {
  program
    .command('simulate')
    .description('Run everything in simulated clusters full of faults, and look for a law that is broken.')
    .option('--scenario <name>', 'only this one; may be given several times; default: all', collect)
    .option('--seed <n>', 'the first seed; default: a fresh one, which is printed', seed)
    .option('--runs <n>', 'seeds for each scenario; default: 10, or with --seed 1', count)
    .option('--jobs <n>', 'runs at once; default: the CPUs of this machine', count)
    .option('--list', 'name the scenarios, and end')
    .addOption(new Option('--plan <file>', 'replay a plan that was written down').conflicts(NO_SEEDS))
    .addOption(
      new Option('--regressions', 'replay the plans that once failed').conflicts([...NO_SEEDS, 'plan']),
    )
    .option('--out <directory>', 'where counterexamples are written', 'simulation-failures')
    .option('--no-shrink', 'show what failed as it is, instead of looking for something smaller')
    .option('--coverage', 'show which faults met which states')
    .option('--verify', 'run everything twice, and compare')
    .action(async ({ shrink, ...flags }: SimulateFlags) => {
      const { runSimulations } = await import('../simulate.ts')
      done(await runSimulations({ ...flags, isShrunk: shrink }))
    })
}

/** A plan says what it is by itself. */
const NO_SEEDS = ['scenario', 'seed', 'runs']

function collect(name: string, previous: readonly string[] = []): string[] {
  return [...previous, name]
}

function seed(text: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value >= 2 ** 31) {
    throw new InvalidArgumentError('a seed is a whole number from 0 to 2147483647.')
  }
  return value
}

function count(text: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < 1 || !Number.isSafeInteger(value)) {
    throw new InvalidArgumentError('expected a whole number above 0.')
  }
  return value
}
