// The official openai package against jevons serve: streams, its own tool loop, forms, errors.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';

import { answers, clockSchema, fileSchema, greeting, weatherSchema } from './openai_scripts.mjs';
import { idleStatus, startServer } from './server.mjs';

let server, client;
before(async () => {
  server = await startServer({ answers, options: ['--parallel', '4'] });
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'any', maxRetries: 0 });
});
after(() => server.stop());

const user = (content) => [{ role: 'user', content }];
const tool = (name, parameters) => ({ type: 'function', function: { name, parameters } });
const tools = [tool('weather', weatherSchema), tool('clock', clockSchema),
               tool('write_file', fileSchema)];

/** A tool as the SDK's own loop runs it. */
const runnable = (name, parameters, run) => ({
  type: 'function',
  function: { name, parameters, parse: JSON.parse, function: run },
});

test('models are listed with their context', async () => {
  const models = await client.models.list();
  assert.equal(models.data.length, 1);
  const [model] = models.data;
  assert.equal(model.object, 'model');
  assert.ok(model.id && model.owned_by && Number.isInteger(model.created));
  const same = await client.models.retrieve(model.id);
  assert.equal(same.id, model.id);
});

test('a whole answer', async () => {
  const { data, response, request_id } = await client.chat.completions
    .create({ model: 'any-name', messages: user('Say a greeting') }).withResponse();
  assert.equal(data.object, 'chat.completion');
  assert.match(data.id, /^chatcmpl-[0-9A-Za-z]{24}$/);
  assert.equal(data.model, 'any-name');
  const [choice] = data.choices;
  assert.equal(choice.finish_reason, 'stop');
  assert.equal(choice.message.role, 'assistant');
  assert.equal(choice.message.content, greeting);
  assert.equal(choice.message.reasoning_content, 'They say hello.');
  assert.equal(choice.message.refusal, null);
  assert.equal(data.usage.total_tokens, data.usage.prompt_tokens + data.usage.completion_tokens);
  assert.ok(data.usage.completion_tokens_details.reasoning_tokens > 0);
  assert.ok(data.usage.prompt_tokens_details.cached_tokens >= 0);
  assert.equal(response.headers.get('x-jevons-thinking'), 'on');
  assert.ok(request_id);
});

test('a stream, by hand', async () => {
  const stream = await client.chat.completions.create({
    model: 'm', messages: user('Say a greeting'), stream: true,
    stream_options: { include_usage: true }, return_progress: true,
  });
  let content = '', reasoning = '', finish = null, usage = null, role = null;
  for await (const chunk of stream) {
    assert.equal(chunk.object, 'chat.completion.chunk');
    if (chunk.usage) {
      assert.deepEqual(chunk.choices, []);
      usage = chunk.usage;
    }
    for (const { delta, finish_reason } of chunk.choices) {
      assert.equal(finish, null, 'nothing follows the finish reason');
      role ??= delta.role;
      content += delta.content ?? '';
      reasoning += delta.reasoning_content ?? '';
      finish = finish_reason;
      assert.ok(!(delta.content ?? '').includes('\ufffd'));
    }
  }
  assert.equal(role, 'assistant');
  assert.equal(content, greeting);
  assert.equal(reasoning, 'They say hello.');
  assert.equal(finish, 'stop');
  assert.ok(usage.completion_tokens > 0);
  assert.ok(usage.jevons.cache);
});

test('the stream helper', async () => {
  const stream = client.chat.completions.stream({ model: 'm', messages: user('Say a greeting') });
  let deltas = '';
  stream.on('content.delta', ({ delta }) => { deltas += delta; });
  const completion = await stream.finalChatCompletion();
  assert.equal(completion.choices[0].message.content, greeting);
  assert.equal(deltas, greeting);
  assert.equal(await stream.finalContent(), greeting);
});

test('a tool call: ids, types and escapes', async () => {
  const { choices } = await client.chat.completions.create(
    { model: 'm', messages: user('weather in Paulo'), tools });
  const { message, finish_reason } = choices[0];
  assert.equal(finish_reason, 'tool_calls');
  assert.equal(message.content, 'Let me look.');
  assert.equal(message.tool_calls.length, 1);
  const [call] = message.tool_calls;
  assert.match(call.id, /^call_[0-9A-Za-z]{24}$/);
  assert.equal(call.type, 'function');
  assert.equal(call.function.name, 'weather');
  assert.deepEqual(JSON.parse(call.function.arguments), { city: 'São "Paulo"', days: 3 });
});

for (const stream of [false, true]) {
  test(`the SDK's tool loop${stream ? ', streamed' : ''}`, async () => {
    const asked = [];
    const runner = client.chat.completions.runTools({
      model: 'm', messages: user('weather in Paulo'), stream,
      tools: [runnable('weather', weatherSchema, (args) => {
        asked.push(args);
        return `sunny in ${args.city}`;
      })],
    });
    assert.equal(await runner.finalContent(), 'It is sunny.');
    assert.deepEqual(asked, [{ city: 'São "Paulo"', days: 3 }]);
    const roles = runner.messages.map(({ role }) => role);
    assert.deepEqual(roles, ['user', 'assistant', 'tool', 'assistant']);
  });

  test(`two calls at once${stream ? ', streamed' : ''}`, async () => {
    const asked = [];
    const runner = client.chat.completions.runTools({
      model: 'm', messages: user('two tools'), stream,
      tools: [runnable('weather', weatherSchema, ({ city }) => {
        asked.push(city);
        return `sunny in ${city}`;
      }), runnable('clock', clockSchema, () => {
        asked.push('clock');
        return "twelve o'clock";
      })],
    });
    assert.equal(await runner.finalContent(), 'It is noon and Oslo is sunny.');
    assert.deepEqual(asked.sort(), ['Oslo', 'clock']);
  });
}

test('an argument that contains the end of an argument', async () => {
  const stream = client.chat.completions.stream(
    { model: 'm', messages: user('Write a file'), tools });
  const message = await stream.finalMessage();
  assert.deepEqual(JSON.parse(message.tool_calls[0].function.arguments),
                   { path: 'a.xml', text: '<parameter name="x">1</parameter>\n' });
});

test('what is no call is text', async () => {
  const { choices } = await client.chat.completions.create(
    { model: 'm', messages: user('broken call'), tools });
  assert.equal(choices[0].finish_reason, 'stop');
  assert.match(choices[0].message.content, /no call at all/);
});

test('a tool loop is read on from the cache, though the client drops the reasoning', async () => {
  const messages = user(`weather in Paulo ${'and more words '.repeat(40)}`);
  const first = await client.chat.completions.create({ model: 'm', messages, tools });
  const { reasoning_content, ...answer } = first.choices[0].message;
  assert.equal(reasoning_content, 'I must look.');
  const call = answer.tool_calls[0];
  call.id = call.id.replaceAll('_', '');
  const second = await client.chat.completions.create({
    model: 'm', tools,
    messages: [...messages, answer,
               { role: 'tool', tool_call_id: call.id, content: 'sunny in São' }],
  });
  const { usage } = second;
  assert.equal(second.choices[0].message.content, 'It is sunny.');
  assert.equal(usage.jevons.restored_reasonings, 1);
  const before = first.usage.prompt_tokens + first.usage.completion_tokens;
  const { cached_tokens } = usage.prompt_tokens_details;
  assert.ok(cached_tokens > before - 64, `${cached_tokens} of ${before} were cached`);
});

test('stop strings, limits and the legacy endpoint', async () => {
  const stopped = await client.chat.completions.create(
    { model: 'm', messages: user('Count to four'), stop: ['STOP'] });
  assert.equal(stopped.choices[0].message.content, 'one two three ');
  assert.equal(stopped.choices[0].finish_reason, 'stop');
  const cut = await client.chat.completions.create(
    { model: 'm', messages: user('Count to four'), max_completion_tokens: 4 });
  assert.equal(cut.choices[0].finish_reason, 'length');
  assert.equal(cut.usage.completion_tokens, 4);

  const text = await client.completions.create({ model: 'm', prompt: 'No thinking', echo: true });
  assert.equal(text.object, 'text_completion');
  assert.match(text.choices[0].text, /^No thinkingStraight/);
  let streamed = '';
  const stream = await client.completions.create(
    { model: 'm', prompt: 'No thinking', max_tokens: 100, stream: true });
  for await (const chunk of stream) streamed += chunk.choices[0]?.text ?? '';
  assert.equal(streamed, 'Straight away.');
});

test('no thinking', async () => {
  for (const wish of [{ reasoning_effort: 'none' }, { thinking: { type: 'disabled' } },
                      { chat_template_kwargs: { enable_thinking: false } }]) {
    const { data, response } = await client.chat.completions.create(
      { model: 'm', messages: user('No thinking'), ...wish }).withResponse();
    assert.equal(data.choices[0].message.content, 'Straight away.');
    assert.equal(data.choices[0].message.reasoning_content, undefined);
    assert.equal(data.usage.completion_tokens_details.reasoning_tokens, 0);
    assert.equal(response.headers.get('x-jevons-thinking'), 'off');
  }
});

test('several answers, and the same ones for the same seed', async () => {
  const ask = () => client.chat.completions.create(
    { model: 'm', messages: user('anything'), n: 2, seed: 7, max_tokens: 12 });
  const [first, second] = [await ask(), await ask()];
  assert.deepEqual(first.choices.map(({ index }) => index), [0, 1]);
  const texts = ({ choices }) => choices.map(({ message }) => message.reasoning_content);
  assert.deepEqual(texts(first), texts(second));
  assert.notEqual(texts(first)[0], texts(first)[1]);
});

test('log probabilities', async () => {
  const { choices } = await client.chat.completions.create({
    model: 'm', messages: user('No thinking'), reasoning_effort: 'none', logprobs: true,
    top_logprobs: 3,
  });
  const { content } = choices[0].logprobs;
  assert.equal(Buffer.from(content.flatMap(({ bytes }) => bytes)).toString(), 'Straight away.');
  for (const { logprob, top_logprobs } of content) {
    assert.ok(logprob <= 0);
    assert.equal(top_logprobs.length, 3);
    assert.ok(top_logprobs[0].logprob >= top_logprobs[2].logprob);
  }
});

const strict = (schema) => ({
  type: 'json_schema', json_schema: { name: 'answer', strict: true, schema },
});

test('an answer that a schema accepts', async () => {
  const schema = {
    type: 'object',
    properties: {
      kind: { enum: ['cat', 'dog'] },
      ok: { type: 'boolean' },
      nested: { type: 'object', properties: { id: { const: 7 } }, required: ['id'],
                additionalProperties: false },
    },
    required: ['kind', 'ok', 'nested'],
    additionalProperties: false,
  };
  for (const seed of [1, 2, 3]) {
    const completion = await client.chat.completions.parse({
      model: 'm', messages: user('anything'), reasoning_effort: 'none', seed, max_tokens: 400,
      response_format: strict(schema),
    });
    assert.equal(completion.choices[0].finish_reason, 'stop');
    const value = JSON.parse(completion.choices[0].message.content);
    assert.ok(['cat', 'dog'].includes(value.kind));
    assert.equal(typeof value.ok, 'boolean');
    assert.deepEqual(value.nested, { id: 7 });
  }
});

test('a strict schema that cannot be held is refused by the name of its keyword', async () => {
  const schema = { type: 'object', properties: { a: { type: 'string' } },
                   dependentSchemas: { a: { required: ['b'] } } };
  await assert.rejects(
    client.chat.completions.create(
      { model: 'm', messages: user('anything'), response_format: strict(schema) }),
    (error) => error instanceof OpenAI.BadRequestError && /dependentSchemas/.test(error.message));
});

test('a call that is demanded', async () => {
  const choice = [tool('pick', { type: 'object', properties: { n: { enum: [1, 2] } },
                                 required: ['n'], additionalProperties: false }),
                  tool('leave', { type: 'object', properties: {}, additionalProperties: false })];
  const named = { type: 'function', function: { name: 'pick' } };
  for (const tool_choice of ['required', named]) {
    const { choices } = await client.chat.completions.create({
      model: 'm', messages: user('anything'), tools: choice, tool_choice, reasoning_effort: 'none',
      parallel_tool_calls: false, max_tokens: 400, seed: 3,
    });
    const [call, ...others] = choices[0].message.tool_calls;
    assert.equal(others.length, 0);
    if (tool_choice === named) assert.equal(call.function.name, 'pick');
    const value = JSON.parse(call.function.arguments);
    if (call.function.name === 'pick') assert.ok([1, 2].includes(value.n));
  }
});

test('content in every shape, and roles of every kind', async () => {
  const { choices, usage } = await client.chat.completions.create({
    model: 'm',
    messages: [
      { role: 'developer', content: [{ type: 'text', text: 'Be brief.' }] },
      { role: 'user', content: [{ type: 'text', text: 'Say a greeting' },
                                { type: 'image_url', image_url: { url: 'data:image/png;base64,AA' } }] },
      { role: 'assistant', content: null, tool_calls: [
        { id: 'x', type: 'function', function: { name: 'weather', arguments: '{"city":"Oslo"}' } }] },
      { role: 'tool', tool_call_id: 'x', content: [{ type: 'text', text: 'sunny in Oslo' }] },
      { role: 'system', content: 'Now answer.' },
    ],
    tools,
  });
  assert.equal(choices[0].message.content, 'Oslo is sunny.');
  assert.equal(usage.jevons.warnings.length, 2);
});

test('errors are the API\'s own', async () => {
  const refused = async (body, check) => {
    await assert.rejects(client.chat.completions.create({ model: 'm', ...body }), (error) => {
      assert.ok(error instanceof OpenAI.BadRequestError, `${error}`);
      assert.equal(error.type, 'invalid_request_error');
      check(error);
      return true;
    });
  };
  await refused({ messages: [] }, ({ param }) => assert.equal(param, 'messages'));
  await refused({ messages: user('a'), temperature: 9, stream: true },
                ({ param }) => assert.equal(param, 'temperature'));
  await refused({ messages: user('a'), audio: { voice: 'x', format: 'wav' } },
                ({ code }) => assert.equal(code, 'unsupported_parameter'));
  await refused({ messages: user('too long '.repeat(300000)) }, ({ code, message }) => {
    assert.equal(code, 'context_length_exceeded');
    assert.match(message, /maximum context length is \d+ tokens/);
  });
  await assert.rejects(client.embeddings.create({ model: 'm', input: 'a' }),
                       (error) => error instanceof OpenAI.APIError && error.status >= 400 &&
                                  error.status < 500 && error.message.length > 10);
  await assert.rejects(client.get('/nowhere'), OpenAI.NotFoundError);
});

test('an aborted stream leaves nothing behind', async () => {
  const stream = client.chat.completions.stream(
    { model: 'm', messages: user('Speak long'), temperature: 0 });
  const seen = new Promise((resolve) => { stream.once('chunk', resolve); });
  await seen;
  stream.abort();
  await assert.rejects(stream.finalContent(), OpenAI.APIUserAbortError);
  await idleStatus(server.url);
  const { choices } = await client.chat.completions.create(
    { model: 'm', messages: user('Say a greeting') });
  assert.equal(choices[0].message.content, greeting);
});
