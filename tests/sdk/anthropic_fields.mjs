// Every field that the Anthropic SDK can send stands in a table of docs/API.md.
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {dirname, join} from 'node:path';
import {test} from 'node:test';

const kRoot = process.env.JEVONS_SOURCE_DIR ?? '.';
const kSdk = dirname(createRequire(import.meta.url).resolve('@anthropic-ai/sdk'));

const kTable = readFileSync(join(kRoot, 'docs/API.md'), 'utf8')
                   .split('## POST /v1/messages\n')[1]
                   .split('\n## ')[0];
const kFields = [...kTable.matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1]);

const kTypes = ['resources/messages/messages.d.ts', 'resources/beta/messages/messages.d.ts'].map(
    (file) => readFileSync(join(kSdk, file), 'utf8').replace(/\/\*\*.*?\*\//gs, ''));

// The members of an interface, without those of objects inside it.
function members(source, name) {
  const body = source.match(new RegExp(`export interface ${name} (?:extends \\w+ )?\\{(.*?)\\n\\}`, 's'));
  return body === null ? [] : [...body[1].matchAll(/^ {4}(\w+)\??:/gm)].map((match) => match[1]);
}

function has(field) {
  return kFields.some((known) => known === field || known.startsWith(field + '.'));
}

test('fields of a request', () => {
  for (const source of kTypes) {
    for (const name of ['MessageCreateParamsBase', 'MessageCountTokensParams']) {
      const fields = members(source, name);
      assert.ok(fields.length > 8, name);
      for (const field of fields) assert.ok(has(field), `${name}.${field}`);
    }
  }
});

test('fields of tools, thinking and choices', () => {
  const [plain, beta] = kTypes;
  const nested = {
    'tools[]': ['Tool'],
    thinking: ['ThinkingConfigEnabled', 'ThinkingConfigAdaptive'],
    tool_choice: ['ToolChoiceTool', 'ToolChoiceAny'],
    output_config: ['OutputConfig'],
    'messages[]': ['SystemMessageParam'],
  };
  for (const [path, names] of Object.entries(nested)) {
    for (const name of names) {
      for (const [source, prefix] of [[plain, ''], [beta, 'Beta']]) {
        const fields = members(source, prefix + name);
        assert.ok(fields.length > 0, prefix + name);
        for (const field of fields) {
          if (['type', 'name'].includes(field) && path !== 'tools[]') continue;
          assert.ok(has(`${path}.${field}`), `${path}.${field}`);
        }
      }
    }
  }
});

test('types of content blocks', () => {
  const [, beta] = kTypes;
  const union = beta.match(/export type BetaContentBlockParam = ([^;]+);/)[1];
  for (const name of union.split('|').map((word) => word.trim())) {
    const type = beta.match(new RegExp(`export interface ${name} \\{.*?\\n    type: '(\\w+)'`, 's'))[1];
    const stands = kFields.some((field) => field.includes(`[type=${type}]`)) ||
        /server_tool_use|mcp_tool_use|_tool_result$/.test(type);
    assert.ok(stands, type);
  }
});
