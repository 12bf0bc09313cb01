import { eventually } from '../support/eventually.ts'
import type { Outcome } from '../support/run.ts'
import type { Pair } from './pair.ts'
import type { RestAnswer, Side } from './side.ts'

const rest: ReadonlyArray<readonly [method: string, path: string, body?: string]> = [
  ['POST', '/'],
  ['POST', '/cli'],
  ['POST', '/cli/?cmd=health&accessKey=KEY'],
  ['POST', '/CLI?cmd=health&accessKey=KEY'],
  ['GET', '/nowhere'],
  ['GET', '/cli?cmd=health&accessKey=KEY'],
  ['GET', '/cli?cmd=nope&accessKey=wrong'],
  ['PUT', '/cli?cmd=health&accessKey=KEY'],
  ['DELETE', '/cli?cmd=health&accessKey=KEY'],
  ['POST', '/cli?cmd=health'],
  ['POST', '/cli?cmd=health&accessKey='],
  ['POST', '/cli?cmd=health&accessKey=wrong'],
  ['POST', '/cli?cmd=nope&accessKey=wrong'],
  ['POST', '/cli?cmd=health&accessKey=KEY&accessKey=KEY'],
  ['POST', '/cli?accessKey=KEY'],
  ['POST', '/cli?accessKey=KEY&cmd='],
  ['POST', '/cli?accessKey=KEY&cmd=nope'],
  ['POST', '/cli?accessKey=KEY&cmd=constructor'],
  ['POST', '/cli?accessKey=KEY&cmd=%E0%A4%A'],
  ['POST', '/cli?accessKey=KEY&cmd=health'],
  ['POST', '/cli?cmd=health&accessKey=KEY&more=1'],
  ['POST', '/cli?accessKey=KEY&cmd=health&cmd=again'],
  ['POST', '/cli?accessKey=KEY', 'health'],
  ['POST', '/cli?accessKey=KEY', 'plain {"a":1} "b c"'],
  ['POST', '/cli?accessKey=KEY&cmd=plain', ' one two'],
  ['POST', '/cli?accessKey=KEY&cmd=hidden'],
  ['POST', '/cli?accessKey=KEY&cmd=an.id'],
  ['POST', '/cli?accessKey=KEY&cmd=file-name'],
  ['POST', '/cli?accessKey=KEY&cmd=in-process'],
  ['POST', '/cli?accessKey=KEY&cmd=disabled'],
  ['POST', '/cli?accessKey=KEY&cmd=workerStart'],
  ['POST', '/cli?accessKey=KEY&cmd=workerExit'],
  ...[
    'nothing',
    'none',
    'zero',
    'no',
    'empty',
    'text',
    'number',
    'list',
    'error',
    'circular',
    'function',
    'throws',
    'twice',
  ].map((kind) => ['POST', `/cli?accessKey=KEY&cmd=answers%20${kind}`] as const),
]

/** Words as a command gets them. */
const words = [
  'plain',
  'plain a b',
  ' plain   a   b ',
  'plain "a b" c',
  'plain "a\\"b"',
  'plain a\\"b',
  'plain a"b',
  'plain "a"b',
  'plain ""',
  'plain {"a":1} [1,2] 1 1.5 -1 1e3 true null',
  'plain {"a":{"b":[1,{"c":2}]}} x',
  'plain "0" "true" "{\\"count\\":2}"',
  'plain 0123 .5',
  'plain {bad} {a b} [1,2]x',
  "plain 'a b'",
  'plain {"a":"}"}',
  'plain "a\\\\b"',
  'plain \ta',
  'plain "open',
  'plain {"a":1',
]

const commandNames = 'exit health help info proxy restart shutdown start upgrade version workers'.split(' ')

/** Commands that change nothing. */
const questions = [
  'help',
  ...commandNames.map((name) => `help ${name}`),
  'help plain',
  'help an.id',
  'help hidden',
  'help nope',
  'help workerStart',
  'help locals',
  'help options',
  'version',
  'health',
  'info',
  'workers',
  'workers simple',
  'workers details',
  'workers nope',
  'exit',
  'exit later',
  'restart',
  'restart GG',
  'restart 0',
  'restart ALL',
  'restart 999999999',
  'shutdown',
  'shutdown GG',
  'shutdown 0',
  'shutdown 999999999',
  'upgrade',
  'upgrade all',
  'upgrade GG web.js',
  'upgrade 999999999 web.js',
  'upgrade all nope.js',
  'start',
  'start 5',
  'start nope.js',
  'start nope.js {"count":2}',
  'proxy',
  'proxy nope',
  'proxy info',
  'locals',
  'options',
]

/** Lines of `cservice` for a service that runs; all with the access key. */
const lines = [
  ['health'],
  ['--run', 'health'],
  ['nope'],
  ['restart GG'],
  ['health', '--json'],
  ['health', '--json', 'true'],
  ['--run', 'health', '--json'],
  ['help', '--json'],
  ['plain a', '--json'],
  ['plain', 'a', '{"b":1}', '--json'],
  ['plain {"a":1} "b c"', '--json'],
  ['hidden', '--json'],
  ['in-process', '--json'],
  ['answers nothing', '--json'],
  ['answers list', '--json'],
  ['answers error', '--json'],
  ['start nope.js', '--json'],
  ['nope', '--json'],
  ['health', '--mine', '1', '--json'],
]

export type Section = (pair: Pair) => Promise<void>

/** What is done on both sides; each part has services of its own. */
export const sections = {
  async 'a service that runs'(pair) {
    await pair.both((side) => {
      const web = {
        worker: './web.js',
        cwd: './elsewhere',
        count: 1,
        COLOUR: 'red',
        NUMBER: 5,
        LIST: [1, 2],
        OBJECT: { a: 1 },
        NONE: null,
      }
      side.write('config.json', JSON.stringify({ workers: { web }, accessKey: 'KEY', commands: './commands' }))
      return side.service('config.json')
    })
    await pair.both((side) => side.untilServing())
    for (const [method, path, body] of rest) {
      await pair.step(`REST ${method} ${path} ${body ?? ''}`, async (side) =>
        forRest(await side.rest(method, path, body)),
      )
    }
    for (const line of words) await pair.step(`words: ${line}`, (side) => side.command(line))
    for (const line of questions) await pair.step(`command: ${line}`, (side) => side.command(line))
    await pair.step('worker', workerFacts)
    for (const line of lines) {
      await pair.step(`line: ${line.join(' ')}`, async (side) => forLine(await side.run(...line, '--accessKey', 'KEY')))
    }
    await pair.step('line: health --accessKey wrong', async (side) =>
      forLine(await side.run('health', '--json', '--accessKey', 'wrong')),
    )
    await pair.step('start: a second one on the port', async (side) =>
      forLine(await side.run('idle.js', '--accessKey', 'KEY')),
    )
  },

  async 'the life of workers'(pair) {
    const services = await pair.both((side) => side.service('web.js', '--workerCount', '1', '--accessKey', 'KEY'))
    await pair.both((side) => side.untilServing())
    const lives = [
      'start web.js',
      'start web {"count":2,"COLOUR":"red"}',
      'start web.js null',
      'start "web.js" {"timeout":5000}',
      'restart all',
      'restart all {"timeout":5000}',
      'restart all null',
      'upgrade all web',
      'upgrade all web.js {"timeout":"5000","COLOUR":"blue"}',
    ]
    for (const line of lives) await pair.step(`life: ${line}`, (side) => side.command(line))
    await pair.step('life: workers', async (side) => (await side.workers()).length)
    const first = async (side: Side) => String((await side.workers())[0]?.pid)
    await pair.step('life: restart <pid>', async (side) => side.command(`restart ${await first(side)}`))
    await pair.step('life: restart "<pid>"', async (side) => side.command(`restart "${await first(side)}"`))
    await pair.step('life: restart <pid>abc', async (side) => side.command(`restart ${await first(side)}abc`))
    await pair.step('life: upgrade <pid> web.js', async (side) => side.command(`upgrade ${await first(side)} web.js`))
    const unlike = [
      'start web.js {"count":0}',
      'start web.js [1]',
      'start web.js {"a b":1}',
      'start web.js {"cwd":"./nope"}',
      'start web.js {"count":"2"}',
      'start web.js {"timeout":"abc"}',
      'start web.js ./elsewhere',
    ]
    for (const line of unlike) await pair.step(`life: ${line}`, (side) => side.command(line))
    await pair.step('life: shutdown <pid>', async (side) => side.command(`shutdown ${await first(side)}`))
    await pair.step('life: upgrade <pid> to one that does not listen', async (side) =>
      side.command(`upgrade ${await first(side)} idle.js {"timeout":3000}`),
    )
    await pair.step('life: shutdown all', (side) => side.command('shutdown all'))
    await pair.step('end: shutdown all', async ({ name }) => forEnd(await services[name === 'old' ? 0 : 1].finished))
  },

  async 'a service without workers'(pair) {
    const services = await pair.both((side) => {
      const options = { workers: null, accessKey: 'KEY', allowHttpGet: true }
      side.write('none.json', JSON.stringify(options))
      return side.service('none.json', '--cli')
    })
    const of = ({ name }: Side) => services[name === 'old' ? 0 : 1]
    for (const method of ['GET', 'PUT']) {
      await pair.step(`allowHttpGet: ${method}`, async (side) =>
        forRest(await side.rest(method, '/cli?cmd=health&accessKey=KEY')),
      )
    }
    for (const line of ['workers', 'info', 'restart all', 'upgrade all idle.js', 'start never.js {"timeout":300}']) {
      await pair.step(`none: ${line}`, (side) => side.command(line))
    }
    await pair.step('console: a line that is piped in, with --cli', async (side) => {
      const { child, output } = of(side)
      child.stdin?.write('help upgrade\n')
      return await eventually(`${side.name}: help`, () => output().includes('Gracefully upgrade service'))
    })
    await pair.step('life: exit now', (side) => side.command('exit now'))
    await pair.step('end: exit now', async (side) => forEnd(await of(side).finished))
  },

  async 'keys with rights'(pair) {
    const services = await pair.both((side) => {
      side.write('keys.json', JSON.stringify({ workers: null, accessKey: 'KEY;other[health:remote]', port: side.port }))
      const service = side.start('keys.json')
      return untilItAnswers(side).then(() => service)
    })
    for (const key of ['KEY', 'other', 'KEY;other[health:remote]']) {
      await pair.step(`keys: ${key}`, async (side) =>
        forRest(await side.rest('POST', `/cli?cmd=health&accessKey=${encodeURIComponent(key)}`)),
      )
    }
    await pair.both(async ({ name }) => void services[name === 'old' ? 0 : 1].child.kill('SIGTERM'))
    await pair.step('end: SIGTERM', async ({ name }) => forEnd(await services[name === 'old' ? 0 : 1].finished))
  },

  async 'named workers and a module of the master'(pair) {
    await pair.both((side) => {
      const workers = {
        web: { worker: 'web.js', count: 1 },
        immune: { worker: 'web.js', count: 1, restart: false },
      }
      side.write('named.json', JSON.stringify({ workers, accessKey: 'KEY', master: './master.js', cli: false }))
      return side.service('named.json')
    })
    await pair.both((side) => eventually('both workers', async () => (await side.workers()).length === 2))
    await pair.both((side) =>
      eventually('the command of the master', async () => (await side.command('from-master')).status === 200),
    )
    await pair.step('named: from-master', (side) => side.command('from-master'))
    const before = await pair.both((side) => side.workers())
    await pair.step('named: restart all', (side) => side.command('restart all'))
    await pair.step('named: pids kept by restart all', async (side) => {
      const pids = before[side.name === 'old' ? 0 : 1].map(({ pid }) => pid)
      return (await side.workers()).filter(({ pid }) => pids.includes(pid)).length
    })
    await pair.step('named: a worker that is killed is replaced', async (side) => {
      const pids = (await side.workers()).map(({ pid }) => pid)
      process.kill(Number(pids[0]), 'SIGKILL')
      // `workers` of the old package could write to the one that has just died, which ends it.
      return await eventually(`${side.name}: another worker`, async () => !pids.includes((await side.web()).pid))
    })
  },

  async 'a daemon'(pair) {
    await pair.step('daemon: cserviced', async (side) => {
      const { code, stdout, stderr } = await side.startDaemon('web.js', '--workerCount', '1', '--accessKey', 'KEY')
      return { code, stdout: /^\d+\n$/.test(stdout) ? 'a pid' : stdout, stderr }
    })
    await pair.both((side) => side.untilHealthy())
    await pair.both((side) => side.untilServing())
    await pair.step('daemon: workers', async (side) => (await side.workers()).length)
    await pair.step('daemon: shutdown all', (side) => side.command('shutdown all'))
    await pair.step('daemon: no such worker', async (side) => {
      const { code, stdout, stderr } = await side.startDaemon('nope.js')
      return { code, stdout, stderr }
    })
  },

  async 'what cannot start, and nobody who answers'(pair) {
    await pair.step('line: health without a service', async (side) => forLine(await side.run('health', '--json')))
    await pair.step('start: no such worker', async (side) => forEnd(await side.run('nope.js', '--cli', 'false')))
    await pair.step('start: no such configuration', async (side) => forEnd(await side.run('nope.json')))
    await pair.step('start: no such commands', async (side) =>
      forEnd(await side.run('idle.js', '--commands', './nope')),
    )
  },

  async 'the library'(pair) {
    const facts = await pair.both(async (side) => {
      const outcome = await side.runProgram('program.js')
      const text = side.read('facts.json')
      if (text === null) throw new Error(`${side.name}: ${JSON.stringify(outcome)}`)
      return JSON.parse(text) as Record<string, unknown>
    })
    for (const name of new Set(facts.flatMap((each) => Object.keys(each)))) {
      await pair.step(`library: ${name}`, async (side) => ({ [name]: facts[side.name === 'old' ? 0 : 1][name] }))
    }
  },
} satisfies Record<string, Section>

/** The length is told by `content-length` or by the end: what matters is that it is right. */
function forRest({ status, headers, body }: RestAnswer) {
  const { date: _, 'content-length': length, ...rest } = headers
  return { status, headers: { ...rest, ...(length === undefined ? {} : { 'content-length': 'told' }) }, body }
}

/** With --json the answer is parsed. */
function forLine({ code, stdout, stderr }: Outcome) {
  const last = stdout.trimEnd().split('\n').at(-1) ?? ''
  let json: unknown
  try {
    json = JSON.parse(last)
  } catch {
    json = 'no JSON'
  }
  return { code, json, stdout: json === 'no JSON' ? stdout : stdout.trimEnd().split('\n').length, stderr }
}

function forEnd({ code, signal }: Outcome) {
  return { code, signal }
}

async function untilItAnswers(side: Side): Promise<void> {
  await eventually(`${side.name}: REST`, async () => (await side.rest('GET', '/')).status === 404)
}

/** What `web.js` was started with, beside the environment of the service. */
async function workerFacts(side: Side): Promise<unknown> {
  const { env, ...facts } = await side.web()
  const added = Object.entries(env as object).filter(([name]) => !side.variables.includes(name))
  return { ...facts, env: Object.fromEntries(added) }
}
