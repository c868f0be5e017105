// The Anthropic SDK against jevons serve: its stream helpers, its tool loop, counts, errors.
import Anthropic from '@anthropic-ai/sdk';
import {betaTool} from '@anthropic-ai/sdk/helpers/beta/json-schema';
import {jsonSchemaOutputFormat} from '@anthropic-ai/sdk/helpers/json-schema';
import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';

import {callText, idleStatus, startServer} from './server.mjs';

const kAnswers = [
  {match: 'Say a greeting', answer: 'They want a greeting.</think>\n\nHello "there" \u{1f44b}\nand goodbye.'},
  {
    match: 'weather in Oslo',
    answer: 'I must look.</think>\n\nLet me look.\n' + callText('weather', {city: 'Oslo & "Bergen"', days: 2})
  },
  {match: '-3 degrees', answer: 'Cold.</think>\n\nIt is -3 degrees.'},
  {
    match: 'two cities',
    answer: 'Two calls.</think>\n\n' +
        callText('weather', {city: 'Rome', days: 1}).replace('</minimax:tool_call>', '') +
        callText('weather', {city: 'Lima', days: 1}).replace('<minimax:tool_call>\n', '')
  },
  {match: 'sunny in', answer: 'Fine.</think>\n\nBoth are sunny.'},
  {match: 'broken tool', answer: 'Try.</think>\n\n' + callText('broken', {})},
  {match: 'out of order', answer: 'It failed.</think>\n\nThe tool failed.'},
  {match: 'No thinking', answer: 'Right away.'},
  {match: 'Count up', answer: 'Counting.</think>\n\n' + Array.from({length: 400}, (_, i) => i).join(' ')},
];

let server, client;
before(async () => {
  server = await startServer({answers: kAnswers});
  client = new Anthropic({baseURL: server.url, apiKey: 'any', maxRetries: 0});
});
after(() => server.stop());

const ask = (content, more = {}) =>
    ({model: 'nano', max_tokens: 500, messages: [{role: 'user', content}], ...more});

function weatherTool(seen) {
  return betaTool({
    name: 'weather',
    description: 'The weather of a city',
    inputSchema: {
      type: 'object',
      properties: {city: {type: 'string'}, days: {type: 'integer'}},
      required: ['city', 'days'],
      additionalProperties: false
    },
    run: (input) => {
      seen.push(input);
      return input.city.startsWith('Oslo') ? '-3 degrees' : `sunny in ${input.city}`;
    }
  });
}

test('a stream folds to the message that is sent without one', async () => {
  const stream = client.messages.stream(ask('Say a greeting'));
  const seen = {text: '', thinking: '', signature: '', blocks: [], events: []};
  stream.on('text', (delta) => seen.text += delta);
  stream.on('thinking', (delta) => seen.thinking += delta);
  stream.on('signature', (signature) => seen.signature = signature);
  stream.on('contentBlock', (block) => seen.blocks.push(block.type));
  stream.on('streamEvent', (event) => seen.events.push(event.type));
  const streamed = await stream.finalMessage();
  assert.equal(seen.text, 'Hello "there" \u{1f44b}\nand goodbye.');
  assert.equal(await stream.finalText(), seen.text);
  assert.equal(seen.thinking, 'They want a greeting.');
  assert.ok(seen.signature);
  assert.deepEqual(seen.blocks, ['thinking', 'text']);
  assert.equal(seen.events[0], 'message_start');
  assert.deepEqual(seen.events.slice(-2), ['message_delta', 'message_stop']);
  assert.ok(stream.request_id);

  const whole = await client.messages.create(ask('Say a greeting'));
  for (const message of [streamed, whole]) {
    assert.match(message.id, /^msg_/);
    assert.equal(message.role, 'assistant');
    assert.equal(message.model, 'nano');
    assert.equal(message.stop_reason, 'end_turn');
    assert.equal(message.stop_sequence, null);
    assert.ok(message.usage.output_tokens > message.usage.output_tokens_details.thinking_tokens);
    assert.ok(message.usage.output_tokens_details.thinking_tokens > 0);
  }
  const words = (message) => message.content.map((block) => [block.type, block.text ?? block.thinking]);
  assert.deepEqual(words(streamed), words(whole));
});

test('counts are exact, and what is cached is told apart', async () => {
  const question = ask(
      'Say a greeting', {system: 'Be brief. '.repeat(80), tools: [{name: 'f', input_schema: {type: 'object'}}]});
  const {max_tokens, ...countable} = question;
  const {input_tokens} = await client.messages.countTokens(countable);
  const total = ({usage}) =>
      usage.input_tokens + usage.cache_read_input_tokens + usage.cache_creation_input_tokens;
  const first = await client.messages.create(question);
  assert.equal(total(first), input_tokens);
  assert.equal(first.usage.cache_read_input_tokens < 64, true);
  const second = await client.messages.create(question);
  assert.equal(total(second), input_tokens);
  assert.ok(second.usage.cache_read_input_tokens >= input_tokens - 64);
  assert.equal(second.usage.jevons.cache.cached_tokens, second.usage.cache_read_input_tokens);
  const beta = await client.beta.messages.countTokens({...countable, betas: ['token-counting-2024-11-01']});
  assert.equal(beta.input_tokens, input_tokens);
});

for (const stream of [false, true]) {
  test(`the tool loop runs a call and sends its result, stream ${stream}`, async () => {
    const seen = [];
    const runner = client.beta.messages.toolRunner(
        {...ask('What is the weather in Oslo?'), tools: [weatherTool(seen)], max_iterations: 4, stream});
    const turns = [];
    for await (const turn of runner) turns.push(stream ? await turn.finalMessage() : turn);
    assert.deepEqual(seen, [{city: 'Oslo & "Bergen"', days: 2}]);
    assert.deepEqual(turns.map((turn) => turn.stop_reason), ['tool_use', 'end_turn']);
    assert.deepEqual(turns[0].content.map((block) => block.type), ['thinking', 'text', 'tool_use']);
    assert.match(turns[0].content[2].id, /^toolu_/);
    assert.equal(turns[1].content.at(-1).text, 'It is -3 degrees.');
    // The first turn is in the cache to its last token.
    const total = (usage) => usage.input_tokens + usage.cache_read_input_tokens +
        usage.cache_creation_input_tokens;
    assert.ok(
        turns[1].usage.cache_read_input_tokens >=
            total(turns[0].usage) + turns[0].usage.output_tokens - 64,
        JSON.stringify(turns.map((turn) => turn.usage)));
  });
}

test('two calls in one answer are two blocks, and eager tools run while it is written', async () => {
  const seen = [];
  const runner = client.beta.messages.toolRunner({
    ...ask('Compare two cities'),
    tools: [weatherTool(seen)],
    stream: true,
    runToolsEagerly: true
  });
  const last = await runner.runUntilDone();
  assert.deepEqual(seen.map((input) => input.city).sort(), ['Lima', 'Rome']);
  assert.equal(last.content.at(-1).text, 'Both are sunny.');
});

test('a tool that fails is told to the model', async () => {
  const broken = betaTool({
    name: 'broken',
    description: 'Always fails',
    inputSchema: {type: 'object', properties: {}},
    run: () => {
      throw new Error('out of order');
    }
  });
  const last = await client.beta.messages.toolRunner({...ask('Use the broken tool'), tools: [broken]});
  assert.equal(last.content.at(-1).text, 'The tool failed.');
});

test('thinking that is not shown comes back to the model all the same', async () => {
  const question = ask('What is the weather in Oslo?', {
    thinking: {type: 'adaptive', display: 'omitted'},
    tools: [{
      name: 'weather',
      input_schema: {type: 'object', properties: {city: {type: 'string'}, days: {type: 'integer'}}}
    }]
  });
  const stream = client.messages.stream(question);
  const first = await stream.finalMessage();
  assert.equal(first.content[0].type, 'thinking');
  assert.equal(first.content[0].thinking, '');
  assert.ok(first.content[0].signature.length > 20);
  const next = (content) => ({
    ...question,
    messages: [
      ...question.messages, {role: 'assistant', content}, {
        role: 'user',
        content: [{type: 'tool_result', tool_use_id: first.content.at(-1).id, content: '-3 degrees'}]
      }
    ]
  });
  const tokens = async (content) => (await client.messages.countTokens(next(content))).input_tokens;
  const shown = [{type: 'thinking', thinking: 'I must look.', signature: ''}, ...first.content.slice(1)];
  assert.equal(await tokens(first.content), await tokens(shown));
  // And if the client drops the block, the server has its own copy.
  assert.equal(await tokens(first.content.slice(1)), await tokens(shown));
});

test('thinking can be turned off', async () => {
  const message = await client.messages.create(ask('No thinking', {thinking: {type: 'disabled'}}));
  assert.deepEqual(message.content, [{type: 'text', text: 'Right away.'}]);
  assert.equal(message.usage.output_tokens_details.thinking_tokens, 0);
});

test('stop reasons are told apart', async () => {
  const short = await client.messages.create(ask('Count up', {max_tokens: 30}));
  assert.equal(short.stop_reason, 'max_tokens');
  assert.equal(short.usage.output_tokens, 30);
  const stopped = await client.messages.create(ask('Count up', {stop_sequences: ['XX', ' 17 1']}));
  assert.equal(stopped.stop_reason, 'stop_sequence');
  assert.equal(stopped.stop_sequence, ' 17 1');
  assert.ok(stopped.content.at(-1).text.endsWith(' 15 16'));
});

test('an answer can be held to a schema', async () => {
  const schema = {
    type: 'object',
    properties: {size: {type: 'string', enum: ['small', 'large']}, warm: {type: 'boolean'}},
    required: ['size', 'warm'],
    additionalProperties: false
  };
  const message = await client.messages.parse(ask('Describe an elephant.', {
    thinking: {type: 'disabled'},
    output_config: {format: jsonSchemaOutputFormat(schema)}
  }));
  assert.ok(['small', 'large'].includes(message.parsed_output.size));
  assert.equal(typeof message.parsed_output.warm, 'boolean');
});

test('a forced call is made', async () => {
  const message = await client.messages.create(ask('Anything', {
    thinking: {type: 'disabled'},
    max_tokens: 200,
    tools: [
      {name: 'other', input_schema: {type: 'object'}},
      {
        name: 'pick',
        input_schema: {
          type: 'object',
          properties: {colour: {type: 'string', enum: ['red', 'green']}},
          required: ['colour'],
          additionalProperties: false
        }
      }
    ],
    tool_choice: {type: 'tool', name: 'pick', disable_parallel_tool_use: true}
  }));
  assert.deepEqual(message.content.map((block) => block.type), ['tool_use']);
  assert.equal(message.content[0].name, 'pick');
  assert.ok(['red', 'green'].includes(message.content[0].input.colour));
  assert.equal(message.stop_reason, 'tool_use');
});

test('the prompt alone can be read into the cache', async () => {
  const question = ask('Warm me up. '.repeat(40));
  const warm = await client.messages.create({...question, max_tokens: 0});
  assert.deepEqual(warm.content, []);
  assert.equal(warm.usage.output_tokens, 0);
  const next = await client.messages.create({...question, max_tokens: 1});
  assert.ok(next.usage.cache_read_input_tokens > 64);
});

test('an aborted stream ends its request', async () => {
  const stream = client.messages.stream(ask('Count up'));
  await new Promise((resolve) => stream.once('text', resolve));
  stream.abort();
  await assert.rejects(stream.done(), Anthropic.APIUserAbortError);
  const {n_cancelled} = await idleStatus(server.url);
  assert.ok(n_cancelled >= 1);
});

test('errors are the SDK\'s own', async () => {
  const error = async (promise, kind) => {
    try {
      await promise;
    } catch (thrown) {
      assert.ok(thrown instanceof kind, String(thrown));
      assert.equal(thrown.error.type, 'error');
      assert.ok(thrown.requestID);
      assert.equal(thrown.error.request_id, thrown.requestID);
      return thrown;
    }
    assert.fail('nothing was thrown');
  };
  const wrong = await error(
      client.messages.create(ask([{type: 'text'}])), Anthropic.BadRequestError);
  assert.equal(wrong.type, 'invalid_request_error');
  assert.match(wrong.apiMessage, /^messages\[0\]\.content\[0\]\.text: /);
  const long = await error(
      client.messages.stream(ask('word '.repeat(200_000))).finalMessage(), Anthropic.BadRequestError);
  assert.match(long.apiMessage, /^prompt is too long: \d+ tokens > \d+ maximum$/);
  const missing = await error(client.messages.batches.list(), Anthropic.NotFoundError);
  assert.equal(missing.type, 'not_found_error');
});

test('a key is asked for', async () => {
  const locked = await startServer({options: ['--api-key', 'open-sesame']});
  try {
    const by = (more) => new Anthropic({baseURL: locked.url, apiKey: null, maxRetries: 0, ...more});
    await assert.rejects(
        by({apiKey: 'wrong'}).messages.create(ask('Say a greeting')), Anthropic.AuthenticationError);
    for (const good of [{apiKey: 'open-sesame'}, {authToken: 'open-sesame'}]) {
      const counted = await by(good).messages.countTokens({model: 'm', messages: ask('hi').messages});
      assert.ok(counted.input_tokens > 0);
    }
  } finally {
    await locked.stop();
  }
});

test('the model is listed', async () => {
  const models = await client.models.list();
  assert.equal(models.data.length, 1);
  assert.equal(models.data[0].type, 'model');
  assert.ok(models.data[0].display_name);
  const model = await client.models.retrieve(models.data[0].id);
  assert.equal(model.id, models.data[0].id);
});
