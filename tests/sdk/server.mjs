// A server under test: the real program with the shipped model, for one test file.
import {spawn} from 'node:child_process';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {createInterface} from 'node:readline';

const kProgram = process.env.JEVONS ?? 'build/release/jevons';

// `answers`: for --scripted-answers, a list of {match, answer}. `options`: more of the command line.
// Returns {url, stop()}; stop() fails if the program did not end well.
export async function startServer({answers = [], options = []} = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'jevons-sdk-'));
  const script = join(folder, 'answers.json');
  writeFileSync(script, JSON.stringify(answers));
  const child = spawn(
      kProgram, ['serve', '--port', '0', '--scripted-answers', script, ...options],
      {stdio: ['ignore', 'pipe', 'pipe'], env: {...process.env, XDG_CONFIG_HOME: folder, JEVONS_LEDGER: 'off'}});
  let log = '';
  child.stderr.on('data', (bytes) => log += bytes);
  const ended = new Promise((resolve) => child.on('exit', (code, signal) => resolve(code ?? signal)));
  const url = await new Promise((resolve, reject) => {
    createInterface({input: child.stdout}).on('line', (line) => {
      const ready = line.match(/^ready: .* at (http\S+)$/);
      if (ready) resolve(ready[1]);
    });
    ended.then((code) => reject(new Error(`jevons serve ended with ${code}:\n${log}`)));
  });
  return {
    url,
    log: () => log,
    async stop() {
      child.kill('SIGTERM');
      const code = await ended;
      rmSync(folder, {recursive: true});
      if (code !== 0) throw new Error(`jevons serve ended with ${code}:\n${log}`);
    }
  };
}

// Waits until no request is running any more, and returns the server's status.
export async function idleStatus(url, headers = {}) {
  for (;;) {
    const status = await (await fetch(url + '/v1/jevons/status', {headers})).json();
    if (status.sequences.length === 0) return status;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

// The model's own words for a call, for scripted answers.
export function callText(name, parameters) {
  const lines = Object.entries(parameters)
                    .map(([key, value]) => `<parameter name="${key}">${
                             typeof value === 'string' ? value : JSON.stringify(value)}</parameter>\n`);
  return `<minimax:tool_call>\n<invoke name="${name}">\n${lines.join('')}</invoke>\n</minimax:tool_call>`;
}
