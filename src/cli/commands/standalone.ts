import { type Command, Option } from 'commander'
import { createLogger } from '../../observe/log.ts'
import type { CommandContext } from '../command-context.ts'
import { DEFAULT_DATA_DIRECTORY, DEFAULT_LISTEN, DEFAULT_NAMESPACE } from '../defaults.ts'
import { inheritedSocket } from '../inherited-socket.ts'
import { type HostAndPort, listenAddress, networkInterface, readSecret } from '../parse.ts'
import { runUntilStopped } from '../run-until-stopped.ts'

interface StandaloneFlags {
  dataDir: string
  listen: HostAndPort | 'inherited'
  tokenFile?: string
  network: ReadonlyMap<string, string>
  nats?: string
  namespace: string
}

export function addStandaloneCommand(program: Command, { level, done }: CommandContext): void {
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
      const { startStandalone } = await import('../../processes/standalone/standalone.ts')
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
}
