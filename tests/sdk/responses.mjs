// The OpenAI SDK's responses against jevons serve: its stream helper, tool loops by items and by
// previous_response_id, stored responses, schemas, errors.
import assert from 'node:assert/strict';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {after, before, test} from 'node:test';
import OpenAI from 'openai';

import {callText, idleStatus, startServer} from './server.mjs';

const kAnswers = [
  {match: 'Say a greeting', answer: 'They want a greeting.</think>\n\nHello "there" \u{1f44b}\nand goodbye.'},
  {
    match: 'weather in Oslo',
    answer: 'I must look.</think>\n\nLet me look.\n' + callText('weather', {city: 'Oslo & "Bergen"', days: 2})
  },
  {match: '-3 degrees', answer: 'Cold.</think>\n\nIt is -3 degrees.'},
  {match: 'Patch it', answer: 'A patch.</think>\n\n' + callText('apply_patch', {input: '*** Begin\n"x" \\ <y>\n*** End'})},
  {match: 'Spawn one', answer: 'One.</think>\n\n' + callText('agents__spawn', {n: 1})},
  {match: 'No thinking', answer: 'Right away.'},
  {match: 'Two tools', answer: 'Both.</think>\n\n' +
        callText('weather', {city: 'Rome', days: 1}).replace('</minimax:tool_call>', '') +
        callText('weather', {city: 'Lima', days: 1}).replace('<minimax:tool_call>\n', '')},
  {match: 'Count up', answer: 'Counting.</think>\n\n' + Array.from({length: 400}, (_, i) => i).join(' ')},
  {match: 'Cut call', answer: 'Long.</think>\n\n' + callText('weather', {city: 'x '.repeat(300), days: 1})},
];

const kWeather = {
  type: 'function',
  name: 'weather',
  description: 'The weather of a city',
  strict: true,
  parameters: {
    type: 'object',
    properties: {city: {type: 'string'}, days: {type: 'integer'}},
    required: ['city', 'days'],
    additionalProperties: false
  }
};

let server, client;
before(async () => {
  server = await startServer({answers: kAnswers});
  client = connect(server);
});
after(() => server.stop());

const connect = (to, apiKey = 'any') => new OpenAI({baseURL: to.url + '/v1', apiKey, maxRetries: 0});
const ask = (input, more = {}) => ({model: 'nano', input, max_output_tokens: 900, ...more});

test('a stream folds to the response that is sent without one', async () => {
  const stream = client.responses.stream(ask('Say a greeting'));
  const types = [];
  let text = '', thinking = '', numbers = [];
  for await (const event of stream) {
    types.push(event.type);
    numbers.push(event.sequence_number);
    if (event.type === 'response.output_text.delta') text += event.delta;
    if (event.type === 'response.reasoning_text.delta') thinking += event.delta;
  }
  const streamed = await stream.finalResponse();
  assert.equal(text, 'Hello "there" \u{1f44b}\nand goodbye.');
  assert.equal(thinking, 'They want a greeting.');
  assert.equal(streamed.output_text, text);
  assert.deepEqual(types.slice(0, 2), ['response.created', 'response.in_progress']);
  assert.equal(types.at(-1), 'response.completed');
  assert.deepEqual(numbers, numbers.map((_, i) => i));

  const whole = await client.responses.create(ask('Say a greeting'));
  assert.equal(whole.output_text, text);
  for (const response of [streamed, whole]) {
    assert.match(response.id, /^resp_/);
    assert.equal(response.status, 'completed');
    assert.deepEqual(response.output.map((item) => item.type), ['reasoning', 'message']);
    assert.equal(response.output[0].content[0].text, thinking);
    assert.ok(response.usage.output_tokens_details.reasoning_tokens > 0);
    assert.equal(
        response.usage.total_tokens, response.usage.input_tokens + response.usage.output_tokens);
    assert.ok(response.completed_at >= response.created_at);
  }
  assert.ok(whole.usage.input_tokens_details.cached_tokens > 0);
  assert.equal(
      whole.usage.jevons.cache.cached_tokens, whole.usage.input_tokens_details.cached_tokens);
});

test('reasoning is told as a summary to those who ask', async () => {
  const stream = client.responses.stream(ask('Say a greeting', {reasoning: {summary: 'auto'}}));
  let summary = '';
  stream.on('response.reasoning_summary_text.delta', (event) => summary += event.delta);
  const response = await stream.finalResponse();
  assert.equal(summary, 'They want a greeting.');
  assert.deepEqual(response.output[0].summary, [{type: 'summary_text', text: summary}]);
});

// One conversation with a call and its result, carried by the client or kept by the server.
for (const way of ['items', 'encrypted', 'stored']) {
  test(`the tool loop runs a call and sends its result, ${way}`, async () => {
    const more = {tools: [kWeather]};
    if (way === 'encrypted') {
      Object.assign(more, {store: false, include: ['reasoning.encrypted_content'], reasoning: {summary: 'auto'}});
    }
    const question = {role: 'user', content: 'What is the weather in Oslo?'};
    const first = await client.responses.parse(ask([question], more));
    assert.deepEqual(first.output.map((item) => item.type), ['reasoning', 'message', 'function_call']);
    const call = first.output[2];
    assert.deepEqual(call.parsed_arguments, {city: 'Oslo & "Bergen"', days: 2});
    const result = {type: 'function_call_output', call_id: call.call_id, output: '-3 degrees'};

    let next;
    if (way === 'stored') {
      next = ask([result], {...more, previous_response_id: first.id});
    } else {
      const output = structuredClone(first.output);
      for (const item of output) {
        delete item.parsed_arguments;
        // As Codex sends it back.
        if (way === 'encrypted' && item.type === 'reasoning') Object.assign(item, {content: null, summary: []});
      }
      next = ask([question, ...output, result], more);
    }
    const stream = client.responses.stream(next);
    const last = await stream.finalResponse();
    assert.equal(last.output_text, 'It is -3 degrees.');
    // The first turn is in the cache to its last token.
    assert.ok(
        last.usage.input_tokens_details.cached_tokens >=
            first.usage.input_tokens + first.usage.output_tokens - 64,
        JSON.stringify([first.usage, last.usage]));
  });
}

test('two calls in one answer', async () => {
  const response = await client.responses.create(ask('Two tools', {tools: [kWeather]}));
  const calls = response.output.filter((item) => item.type === 'function_call');
  assert.deepEqual(calls.map((call) => JSON.parse(call.arguments).city), ['Rome', 'Lima']);
  assert.notEqual(calls[0].call_id, calls[1].call_id);
  assert.notEqual(calls[0].id, calls[1].id);
});

test('a custom tool gets its input as text', async () => {
  const tools = [{
    type: 'custom',
    name: 'apply_patch',
    description: 'Applies a patch.',
    format: {type: 'grammar', syntax: 'lark', definition: 'start: /.+/'}
  }];
  const stream = client.responses.stream(ask('Patch it', {tools}));
  let input = '';
  stream.on('response.custom_tool_call_input.delta', (event) => input += event.delta);
  const first = await stream.finalResponse();
  assert.equal(input, '*** Begin\n"x" \\ <y>\n*** End');
  const call = first.output.at(-1);
  assert.equal(call.type, 'custom_tool_call');
  assert.equal(call.input, input);
  const last = await client.responses.create(ask(
      [{type: 'custom_tool_call_output', call_id: call.call_id, output: 'Now it is -3 degrees'}],
      {tools, previous_response_id: first.id}));
  assert.equal(last.output_text, 'It is -3 degrees.');
});

test('a tool of a namespace comes back with it', async () => {
  const tools = [{
    type: 'namespace',
    name: 'agents',
    description: 'Agents',
    tools: [{type: 'function', name: 'spawn', parameters: {type: 'object', properties: {n: {type: 'integer'}}}}]
  }];
  const response = await client.responses.create(ask('Spawn one', {tools}));
  const call = response.output.at(-1);
  assert.equal(call.name, 'spawn');
  assert.equal(call.namespace, 'agents');
  assert.deepEqual(JSON.parse(call.arguments), {n: 1});
});

test('thinking can be turned off', async () => {
  const response = await client.responses.create(ask('No thinking', {reasoning: {effort: 'none'}}));
  assert.deepEqual(response.output.map((item) => item.type), ['message']);
  assert.equal(response.output_text, 'Right away.');
  assert.equal(response.usage.output_tokens_details.reasoning_tokens, 0);
});

test('an answer that is cut short says so', async () => {
  for (const stream of [false, true]) {
    const params = ask('Count up', {max_output_tokens: 30});
    const response = stream ? await client.responses.stream(params).finalResponse() :
                              await client.responses.create(params);
    assert.equal(response.status, 'incomplete');
    assert.equal(response.incomplete_details.reason, 'max_output_tokens');
    assert.equal(response.usage.output_tokens, 30);
    assert.equal(response.output.at(-1).status, 'incomplete');
  }
});

test('a call that is cut short is never done', async () => {
  const stream = client.responses.stream(ask('Cut call', {tools: [kWeather], max_output_tokens: 60}));
  const done = [];
  stream.on('response.output_item.done', (event) => done.push(event.item.type));
  const response = await stream.finalResponse();
  assert.equal(response.status, 'incomplete');
  assert.equal(response.output.at(-1).type, 'function_call');
  assert.equal(response.output.at(-1).status, 'incomplete');
  assert.ok(!done.includes('function_call'));
});

test('an answer can be held to a schema', async () => {
  const schema = {
    type: 'object',
    properties: {size: {type: 'string', enum: ['small', 'large']}, warm: {type: 'boolean'}},
    required: ['size', 'warm'],
    additionalProperties: false
  };
  const response = await client.responses.parse(ask('Describe an elephant.', {
    reasoning: {effort: 'none'},
    text: {format: {type: 'json_schema', name: 'animal', strict: true, schema}}
  }));
  const animal = JSON.parse(response.output_text);
  assert.ok(['small', 'large'].includes(animal.size));
  assert.equal(typeof animal.warm, 'boolean');
});

test('a forced call is made', async () => {
  const pick = {
    type: 'function',
    name: 'pick',
    parameters: {
      type: 'object',
      properties: {colour: {type: 'string', enum: ['red', 'green']}},
      required: ['colour'],
      additionalProperties: false
    }
  };
  const response = await client.responses.create(ask('Anything', {
    reasoning: {effort: 'none'},
    tools: [kWeather, pick],
    tool_choice: {type: 'function', name: 'pick'},
    parallel_tool_calls: false
  }));
  assert.deepEqual(response.output.map((item) => item.type), ['function_call']);
  assert.equal(response.output[0].name, 'pick');
  assert.ok(['red', 'green'].includes(JSON.parse(response.output[0].arguments).colour));
});

test('logprobs of the text', async () => {
  const response = await client.responses.create(ask(
      'Say a greeting', {include: ['message.output_text.logprobs'], top_logprobs: 2}));
  const part = response.output.at(-1).content[0];
  assert.ok(part.logprobs.length > 3);
  const bytes = part.logprobs.flatMap((token) => token.bytes);
  assert.equal(Buffer.from(bytes).toString(), part.text);
  for (const token of part.logprobs) assert.equal(token.top_logprobs.length, 2);
});

test('stored responses are shown, listed and deleted', async () => {
  const first = await client.responses.create(ask([
    {role: 'developer', content: 'Be kind.'}, {role: 'user', content: [{type: 'input_text', text: 'Say a greeting'}]}
  ]));
  const second = await client.responses.create(
      ask('Say a greeting again', {previous_response_id: first.id, metadata: {a: 'b'}}));
  const shown = await client.responses.retrieve(second.id);
  assert.deepEqual(shown.output, second.output);
  assert.deepEqual(shown.metadata, {a: 'b'});
  const items = [];
  for await (const item of client.responses.inputItems.list(second.id, {limit: 2, order: 'asc'})) items.push(item);
  assert.deepEqual(
      items.map((item) => item.role ?? item.type), ['developer', 'user', 'reasoning', 'assistant', 'user']);
  await client.responses.delete(first.id);
  await assert.rejects(client.responses.retrieve(first.id), OpenAI.NotFoundError);
  const again = await client.responses.create(
      ask('Say a greeting', {previous_response_id: second.id}));
  assert.equal(again.status, 'completed');
});

test('stored responses are there after a restart, for their key alone', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'jevons-responses-'));
  const keys = join(folder, 'keys.toml');
  writeFileSync(keys, '[[key]]\nname = "a"\nkey = "open sesame"\n[[key]]\nname = "b"\nkey = "another one"\n');
  const options = ['--responses-dir', join(folder, 'responses'), '--api-keys', keys];
  let running = await startServer({answers: kAnswers, options});
  try {
    const first = await connect(running, 'open sesame').responses.create(ask('Say a greeting'));
    await running.stop();
    running = await startServer({answers: kAnswers, options});
    const next = ask('Say a greeting', {previous_response_id: first.id});
    await assert.rejects(connect(running, 'another one').responses.create(next), (error) => {
      assert.ok(error instanceof OpenAI.NotFoundError);
      assert.equal(error.code, 'previous_response_not_found');
      assert.equal(error.param, 'previous_response_id');
      return true;
    });
    const second = await connect(running, 'open sesame').responses.create(next);
    assert.ok(second.usage.input_tokens > first.usage.input_tokens);
  } finally {
    await running.stop();
    rmSync(folder, {recursive: true});
  }
});

test('an aborted stream ends its request', async () => {
  const stream = client.responses.stream(ask('Count up'));
  await new Promise((resolve) => stream.once('response.output_text.delta', resolve));
  stream.abort();
  await assert.rejects(stream.done(), OpenAI.APIUserAbortError);
  await idleStatus(server.url);
});

test('errors are the SDK\'s own', async () => {
  const cases = [
    [{input: [{role: 'nobody', content: 'x'}]}, 'input[0].role', /nobody/],
    [{input: 'x', background: true}, 'background', /not supported/],
    [{input: 'x', conversation: 'conv_1'}, 'conversation', /previous_response_id/],
    [{input: 'x', tool_choice: {type: 'web_search_preview'}}, 'tool_choice', /web_search_preview/],
    [{input: [{type: 'function_call_output', call_id: 'c', output: 'x'}]}, 'input[0]', /no call/],
  ];
  for (const [body, param, says] of cases) {
    for (const stream of [false, true]) {
      await assert.rejects(client.responses.create({model: 'm', ...body, stream}), (error) => {
        assert.ok(error instanceof OpenAI.BadRequestError, String(error));
        assert.equal(error.param, param);
        assert.match(error.message, says);
        return true;
      });
    }
  }
  await assert.rejects(client.responses.create(ask('word '.repeat(200_000))), (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.equal(error.code, 'context_length_exceeded');
    return true;
  });
});
