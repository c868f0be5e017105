// Every field that the openai package can send stands in a table of docs/API.md.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

const root = process.env.JEVONS_SOURCE_DIR ?? '.';
const sdk = dirname(createRequire(import.meta.url).resolve('openai'));
const document = readFileSync(join(root, 'docs/API.md'), 'utf8');

function table(heading) {
  const section = document.split(`## ${heading}\n`)[1].split('\n## ')[0];
  return [...section.matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1]);
}

function types(file) {
  return readFileSync(join(sdk, 'resources', file), 'utf8').replace(/\/\*\*.*?\*\//gs, '');
}

// The members of an interface, without those of objects inside it.
function members(source, name) {
  const body = source.match(new RegExp(`export interface ${name} (?:extends \\w+ )?\\{(.*?)\\n\\}`, 's'));
  assert.ok(body, `the package has no ${name}`);
  return [...body[1].matchAll(/^ {4}(\w+)\??:/gm)].map((match) => match[1]);
}

function assertKnown(fields, prefix, source, names) {
  for (const name of names) {
    for (const member of members(source, name)) {
      const field = prefix + member;
      assert.ok(fields.some((known) => known === field || known.startsWith(`${field}.`)),
                `${name}: ${field}`);
    }
  }
}

test('chat completions', () => {
  const fields = table('POST /v1/chat/completions');
  const source = types('chat/completions/completions.d.ts');
  assertKnown(fields, '', source, ['ChatCompletionCreateParamsBase']);
  assertKnown(fields, 'stream_options.', source, ['ChatCompletionStreamOptions']);
  assertKnown(fields, 'messages[].', source, [
    'ChatCompletionDeveloperMessageParam', 'ChatCompletionSystemMessageParam',
    'ChatCompletionUserMessageParam', 'ChatCompletionAssistantMessageParam',
    'ChatCompletionToolMessageParam', 'ChatCompletionFunctionMessageParam',
  ]);
  assertKnown([...fields, 'messages[].content[].type'], 'messages[].content[].', source, [
    'ChatCompletionContentPartText', 'ChatCompletionContentPartImage',
    'ChatCompletionContentPartInputAudio', 'ChatCompletionContentPartRefusal',
  ]);
  assertKnown(fields, 'tools[].function.', types('shared.d.ts'), ['FunctionDefinition']);
});

test('completions', () => {
  assertKnown(table('POST /v1/completions'), '', types('completions.d.ts'),
              ['CompletionCreateParamsBase']);
});
