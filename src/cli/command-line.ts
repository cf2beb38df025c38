import { Command, CommanderError, Option } from 'commander'
import type { ObjectKey } from '../api/values/object-key.ts'
import { createLogger, LOG_LEVELS, type LogLevel } from '../observe/log.ts'
import { VERSION } from '../processes/version.ts'
import { systemClock } from '../runtime/system-clock.ts'
import {
  AGENT_HEALTH,
  CONTROLLER_HEALTH,
  DEFAULT_DATA_DIRECTORY,
  DEFAULT_LISTEN,
  DEFAULT_NAMESPACE,
  DEFAULT_STATE_DIRECTORY,
  kubeconfigFor,
} from './defaults.ts'
import { explainFailure } from './failure.ts'
import { inheritedSocket } from './inherited-socket.ts'
import { hostAndPort, listenAddress, logLevel, networkInterface, objectKey, readSecret } from './parse.ts'
import { runUntilStopped } from './run-until-stopped.ts'

type ExitCode = number

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
  const level = () => program.opts<{ logLevel: LogLevel }>().logLevel

  program
    .command('standalone')
    .description(
      'Everything in one process: Kubernetes API, message bus, controller and agents. Needs no cluster.',
    )
    .option('--data-dir <directory>', 'objects, agents’ state and the kubeconfig', DEFAULT_DATA_DIRECTORY)
    .addOption(
      new Option(
        '--listen <address>',
        'where the Kubernetes API is served; "inherited": on the socket that the parent process sends over IPC',
      )
        .default(listenAddress(DEFAULT_LISTEN), DEFAULT_LISTEN)
        .argParser(listenAddress),
    )
    .option(
      '--token-file <file>',
      'bearer token that clients must show; needed for anything but loopback. ' +
        'Not for kubectl, which sends no token over plain http',
    )
    .addOption(
      new Option(
        '--network <namespace/name=interface>',
        'serve this network on this interface; can be given several times',
      )
        .default(new Map<string, string>(), 'none')
        .argParser(networkInterface),
    )
    .option('--nats <url>', 'use this broker instead of the embedded message bus')
    .option('--namespace <namespace>', 'where the pods of a cluster would be', DEFAULT_NAMESPACE)
    .action(async (options: StandaloneFlags) => {
      const { startStandalone } = await import('../processes/standalone/standalone.ts')
      const log = createLogger({ component: 'standalone', level: level() })
      const running = await startStandalone({
        dataDirectory: options.dataDir,
        listen: options.listen === 'inherited' ? { handle: await inheritedSocket() } : options.listen,
        interfaces: options.network,
        namespace: options.namespace,
        log,
        ...(options.tokenFile === undefined ? {} : { token: readSecret(options.tokenFile) }),
        ...(options.nats === undefined ? {} : { nats: options.nats }),
      })
      process.send?.({ kubeconfig: running.kubeconfig })
      done(await runUntilStopped(running, log))
    })

  program
    .command('controller')
    .description('The actors that allocate addresses, for a cluster.')
    .option('--kubeconfig <file>', 'default: $KUBECONFIG, the pod’s service account, ~/.kube/config')
    .requiredOption('--nats <url>', 'the message broker, e.g. nats://nats:4222')
    .addOption(healthOption(CONTROLLER_HEALTH))
    .action(async (options: ControllerFlags) => {
      const { startControllerProcess } = await import('../processes/controller/controller-process.ts')
      const log = createLogger({ component: 'controller', level: level() })
      const running = await startControllerProcess({
        nats: options.nats,
        health: options.health,
        log,
        ...(options.kubeconfig === undefined ? {} : { kubeconfig: options.kubeconfig }),
      })
      done(await runUntilStopped(running, log))
    })

  program
    .command('agent')
    .description('The DHCP server of one IPPool, next to its network.')
    .requiredOption('--ippool-ref <namespace/name>', 'the IPPool to serve', objectKey)
    .option('--nic <interface>', 'the interface on the network', 'eth1')
    .option('--nats <url>', 'the message broker; without it the agent lives by its watch alone')
    .option('--kubeconfig <file>', 'default: $KUBECONFIG, the pod’s service account, ~/.kube/config')
    .option(
      '--state-dir <directory>',
      'what it serves from when it starts while all else is down',
      DEFAULT_STATE_DIRECTORY,
    )
    .addOption(healthOption(AGENT_HEALTH))
    .action(async (options: AgentFlags) => {
      const { startAgent } = await import('../processes/agent/agent.ts')
      const log = createLogger({ component: 'agent', level: level() })
      const { ippoolRef: pool } = options
      const { POD_NAME, POD_NAMESPACE, POD_UID } = process.env
      const running = await startAgent({
        pool,
        interfaceName: options.nic,
        stateDirectory: options.stateDir,
        pod: {
          namespace: POD_NAMESPACE ?? DEFAULT_NAMESPACE,
          name: POD_NAME ?? `${pool.namespace}-${pool.name}-agent`,
          ...(POD_UID === undefined ? {} : { uid: POD_UID }),
        },
        health: options.health,
        log,
        ...(options.kubeconfig === undefined ? {} : { kubeconfig: options.kubeconfig }),
        ...(options.nats === undefined ? {} : { nats: options.nats }),
      })
      done(await runUntilStopped(running, log))
    })

  program
    .command('leases')
    .description('Who has which address: of every IPPool, or of one.')
    .argument('[namespace/name]', 'the IPPool', objectKey)
    .option(
      '--kubeconfig <file>',
      'default: $KUBECONFIG, that of a standalone in this folder, ~/.kube/config',
    )
    .action(async (pool: ObjectKey | undefined, options: { kubeconfig?: string }) => {
      const [{ createKubeStore }, { listLeases }] = await Promise.all([
        import('../kube/client.ts'),
        import('./leases.ts'),
      ])
      const kubeconfig = kubeconfigFor(options.kubeconfig)
      const log = createLogger({ component: 'leases', level: 'silent' })
      const store = createKubeStore({
        log,
        clock: systemClock,
        ...(kubeconfig === undefined ? {} : { kubeconfig }),
      })
      process.stdout.write(await listLeases(store, pool))
      store.close()
    })

  program
    .command('tap')
    .description('Follow what the actors decide, and what happens to DHCP messages, as it happens.')
    .argument('[subject...]', 'NATS subjects under mdhcp.event, e.g. mdhcp.event.dhcp.>; default: all')
    .option('--nats <url>', 'the message broker; without it, the standalone that the kubeconfig names')
    .option(
      '--kubeconfig <file>',
      'default: $KUBECONFIG, that of a standalone in this folder, ~/.kube/config',
    )
    .action(async (subjects: string[], options: { nats?: string; kubeconfig?: string }) => {
      const { followEvents } = await import('./tap.ts')
      const log = createLogger({ component: 'tap', level: 'warn', destination: process.stderr })
      await followEvents({ subjects, nats: options.nats, kubeconfig: kubeconfigFor(options.kubeconfig), log })
    })

  program
    .command('lab')
    .description('See it work on this machine: a network, a VM and a real DHCP client in network namespaces.')
    .option('--data-dir <directory>', 'keep the objects there; default: a folder that is removed at the end')
    .addOption(
      new Option('--listen <address>', 'where the Kubernetes API is served')
        .default(hostAndPort(DEFAULT_LISTEN), DEFAULT_LISTEN)
        .argParser(hostAndPort),
    )
    .option('--once', 'end after the lease instead of staying up')
    .action(async (options: { dataDir?: string; listen: HostAndPort; once?: boolean }) => {
      const { runLab } = await import('./lab.ts')
      done(await runLab({ ...options, once: options.once ?? false }))
    })

  return program
}

function healthOption(address: string): Option {
  return new Option('--health <host:port>', 'where /healthz, /readyz and /metrics are served')
    .default(hostAndPort(address), address)
    .argParser(hostAndPort)
}

interface HostAndPort {
  host: string
  port: number
}

interface StandaloneFlags {
  dataDir: string
  listen: HostAndPort | 'inherited'
  tokenFile?: string
  network: ReadonlyMap<string, string>
  nats?: string
  namespace: string
}

interface ControllerFlags {
  kubeconfig?: string
  nats: string
  health: HostAndPort
}

interface AgentFlags {
  ippoolRef: ObjectKey
  nic: string
  nats?: string
  kubeconfig?: string
  stateDir: string
  health: HostAndPort
}
