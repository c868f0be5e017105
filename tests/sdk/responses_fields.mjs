// Every field that the OpenAI SDK can send to /v1/responses stands in its table of docs/API.md.
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {dirname, join} from 'node:path';
import {test} from 'node:test';

const kRoot = process.env.JEVONS_SOURCE_DIR ?? '.';
const kSdk = dirname(createRequire(import.meta.url).resolve('openai'));

const kTable = readFileSync(join(kRoot, 'docs/API.md'), 'utf8')
                   .split('## POST /v1/responses\n')[1]
                   .split('\n## ')[0];
const kFields = [...kTable.matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1]);

const read = (file) =>
    readFileSync(join(kSdk, file), 'utf8').replace(/\/\*\*.*?\*\//gs, '');
const kTypes = read('resources/responses/responses.d.ts');
const kShared = read('resources/shared.d.ts');

// The members of an interface, without those of objects inside it.
function members(source, name) {
  const body = source.match(new RegExp(`interface ${name} (?:extends \\w+ )?\\{(.*?)\\n\\}`, 's'));
  assert.ok(body, name);
  const fields = [...body[1].matchAll(/^ {4}(\w+)\??:/gm)].map((match) => match[1]);
  assert.ok(fields.length > 0, name);
  return fields;
}

function expectFields(path, fields) {
  for (const field of fields) {
    const full = path === '' ? field : `${path}.${field}`;
    const stands = kFields.some(
        (known) => known === full || known.startsWith(full + '.') || known.startsWith(full + '[]'));
    assert.ok(stands, full);
  }
}

test('fields of a request', () => {
  const fields = members(kTypes, 'ResponseCreateParamsBase');
  assert.ok(fields.length > 25);
  expectFields('', fields);
  expectFields('text', members(kTypes, 'ResponseTextConfig'));
  expectFields('text.format', members(kTypes, 'ResponseFormatTextJSONSchemaConfig').filter((f) => f !== 'type'));
  expectFields('reasoning', members(kShared, 'Reasoning'));
});

test('fields of tools', () => {
  for (const name of ['FunctionTool', 'CustomTool', 'NamespaceTool']) {
    expectFields('tools[]', members(kTypes, name));
  }
});

test('fields of items', () => {
  for (const name of [
         'EasyInputMessage', 'ResponseOutputMessage', 'ResponseReasoningItem', 'ResponseFunctionToolCall',
         'ResponseCustomToolCall', 'ResponseCustomToolCallOutput'
       ]) {
    expectFields('input[]', members(kTypes, name).filter((field) => field !== 'caller'));
  }
  for (const name of ['ResponseInputText', 'ResponseInputImage', 'ResponseInputFile', 'ResponseOutputText']) {
    const fields = members(kTypes, name).filter((field) => !['type', 'detail', 'filename'].includes(field));
    expectFields('input[].content[]', fields);
  }
});
