import { createLabNetwork } from '../../src/lab/network.ts'
import { checkLabRights } from '../../src/lab/tools.ts'

/** A process that makes a lab, says which processes belong to it, and waits to be killed. */
async function main(): Promise<void> {
  await checkLabRights()
  const network = await createLabNetwork('test')
  const machines = await Promise.all(['a', 'b'].map((name) => network.addMachine(name)))
  const sleepers = machines.map((machine) =>
    machine.namespace.spawn('sh', ['-c', 'setsid sleep 1000 & echo $!; exec sleep 1000'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  )
  const daemons = await Promise.all(
    sleepers.map(
      (sleeper) =>
        new Promise<number>((resolve) => sleeper.stdout?.once('data', (text) => resolve(Number(text)))),
    ),
  )
  const [first, second] = machines
  await first?.namespace.exec('ip', ['address', 'add', '10.0.0.1/24', 'dev', first.interfaceName])
  await second?.namespace.exec('ip', ['address', 'add', '10.0.0.2/24', 'dev', second.interfaceName])
  const holders = machines.map((machine) => machine.namespace.pid)
  const pids = [...holders, ...daemons, ...sleepers.map((sleeper) => sleeper.pid)]
  const reachable = await first?.namespace
    .exec(process.execPath, ['-e', CONNECT])
    .then((r) => r.stdout.trim())
  process.stdout.write(`${JSON.stringify({ pids, reachable })}\n`)
  if (process.argv.includes('--close')) await network.close()
  else setInterval(() => {}, 1000)
}

/** A TCP connection refused by the other machine: it is there, and answers. */
const CONNECT = `
  require('node:net').connect(9, '10.0.0.2').on('error', (error) => process.stdout.write(error.code))`

main().catch((error: Error) => {
  process.stderr.write(`${error.name}: ${error.message}\n`)
  process.exitCode = 1
})
