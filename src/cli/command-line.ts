import { Command, CommanderError, Option } from 'commander'
import { LOG_LEVELS, type LogLevel } from '../observe/log.ts'
import { VERSION } from '../processes/version.ts'
import type { CommandContext, ExitCode } from './command-context.ts'
import { addAgentCommand } from './commands/agent.ts'
import { addControllerCommand } from './commands/controller.ts'
import { addLabCommand } from './commands/lab.ts'
import { addLeasesCommand } from './commands/leases.ts'
import { addNatsCredentialsCommand } from './commands/nats-credentials.ts'
import { addSetAddressCommand } from './commands/set-address.ts'
import { addSimulateCommand } from './commands/simulate.ts'
import { addStandaloneCommand } from './commands/standalone.ts'
import { addTapCommand } from './commands/tap.ts'
import { addWebhookCommand } from './commands/webhook.ts'
import { explainFailure } from './failure.ts'
import { logLevel } from './parse.ts'

/** @param args without the names of node and the program @returns the exit code; 2 when the command cannot be obeyed */
export async function runCommandLine(args: readonly string[]): Promise<ExitCode> {
  let exitCode: ExitCode = 0
  const program = createProgram((code) => {
    exitCode = code
  })
  try {
    await program.parseAsync(args, { from: 'user' })
    return exitCode
  } catch (error) {
    // Commander has said what is wrong already, in one line.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    const { line, code } = explainFailure(error)
    process.stderr.write(`managed-dhcp: ${line}\n`)
    return code
  }
}

/** Each command loads what it needs when it runs: help and refusals come at once. */
function createProgram(done: (code: ExitCode) => void): Command {
  const program = new Command('managed-dhcp')
    .description('Managed DHCP for virtual machines on Kubernetes: every VM keeps its address.')
    .version(VERSION)
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'managed-dhcp: ')) })
    .addOption(
      new Option('--log-level <level>', `one of ${LOG_LEVELS.join(', ')}`)
        .default('info')
        .argParser(logLevel),
    )
  const context: CommandContext = { level: () => program.opts<{ logLevel: LogLevel }>().logLevel, done }

  addStandaloneCommand(program, context)
  addControllerCommand(program, context)
  addAgentCommand(program, context)
  addWebhookCommand(program, context)
  addSetAddressCommand(program, context)
  addLeasesCommand(program)
  addTapCommand(program)
  addNatsCredentialsCommand(program)
  addLabCommand(program, context)
  addSimulateCommand(program, context)
  return program
}
