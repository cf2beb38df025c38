import { defineConfig } from 'vitest/config'
import { SummaryReporter } from './test/support/summary-reporter.ts'

const SYSTEM_TESTS = 'test/**/*.system.test.ts'
const CLUSTER_TESTS = 'test/**/*.cluster.test.ts'
/** They know nothing of the API server but a kubeconfig (test/kubernetes-api/target.ts). */
const PORTABLE_TESTS = [
  'test/kubernetes-api/*.system.test.ts',
  ...['fail-over', 'two-leaders', 'broker-users'].map(
    (name) => `test/processes/controller/${name}.system.test.ts`,
  ),
]
const FAULT_TESTS = 'test/faults/**/*.faults.test.ts'
const SIMULATION_TESTS = 'test/simulations/**/*.simulation.test.ts'

/**
 * `unit` needs nothing but Node; `system` needs real parts (nats-server, kubectl, network namespaces, DHCP clients) that
 * `src/bootstrap.mjs --with-test-tools` installs; `cluster` needs a Kubernetes control plane and network namespaces of
 * its own, and is run by `npm run test:cluster`. The suite in test/kubernetes-api and the controllers' own are in both of
 * the last: `system` runs them against the embedded API, `cluster` against kube-apiserver. `faults` kills, stops and cuts
 * off what `system` needs, and is run by `npm run test:faults`. `simulations` checks the simulator: nothing but Node and
 * minutes of the processor, by `npm run test:simulations`. `bench` measures and asserts nothing; no test run includes it.
 * raw-socket loads in one thread only: forks.
 */
export default defineConfig({
  test: {
    pool: 'forks',
    reporters: ['default', new SummaryReporter()],
    // The default of one second is not enough for a broker or a process on a machine that is busy with others.
    expect: { poll: { timeout: 10_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          // A machine that is busy with a control plane is many times slower than an idle one.
          testTimeout: 30_000,
          exclude: [SYSTEM_TESTS, CLUSTER_TESTS, FAULT_TESTS, SIMULATION_TESTS],
        },
      },
      {
        extends: true,
        test: {
          name: 'system',
          include: [SYSTEM_TESTS],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'cluster',
          include: [CLUSTER_TESTS, ...PORTABLE_TESTS],
          globalSetup: 'test/cluster/control-plane/global-setup.ts',
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 300_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'faults',
          include: [FAULT_TESTS],
          // Each has a world of its own, which mostly waits.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
          testTimeout: 240_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'simulations',
          include: [SIMULATION_TESTS],
          testTimeout: 900_000,
          hookTimeout: 900_000,
        },
      },
      {
        extends: true,
        test: { name: 'bench', include: ['test/bench/**/*.bench.ts'], fileParallelism: false },
      },
    ],
  },
})
