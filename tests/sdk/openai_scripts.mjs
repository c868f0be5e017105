// What the model writes in the tests of the OpenAI clients, and the tools that it calls.
import {callText} from './server.mjs';

export const greeting = 'Hello there, \u00dcser! \u{1f600}';

export const weatherSchema = {
  type: 'object',
  properties: {city: {type: 'string'}, days: {type: 'integer'}},
  required: ['city'],
};
export const clockSchema = {type: 'object', properties: {}};
export const fileSchema = {
  type: 'object',
  properties: {path: {type: 'string'}, text: {type: 'string'}},
  required: ['path', 'text'],
};

const twoCalls = callText('weather', {city: 'Oslo'}).replace('\n</minimax:tool_call>', '') +
    callText('clock', {}).replace('<minimax:tool_call>', '');

export const answers = [
  {match: 'Say a greeting', answer: `They say hello.\n</think>\n\n${greeting}`},
  {
    match: 'weather in Paulo',
    answer: 'I must look.\n</think>\n\nLet me look.\n' +
        callText('weather', {city: 'S\u00e3o "Paulo"', days: 3})
  },
  {match: 'two tools', answer: `Both at once.\n</think>\n\n\n${twoCalls}`},
  {match: 'sunny in S\u00e3o', answer: 'That is it.\n</think>\n\nIt is sunny.'},
  {match: 'sunny in Oslo', answer: 'Only one yet.\n</think>\n\nOslo is sunny.'},
  {match: 'twelve', answer: 'Now both.\n</think>\n\nIt is noon and Oslo is sunny.'},
  {match: 'Count to four', answer: 'Counting.\n</think>\n\none two three STOP four'},
  {match: 'Speak long', answer: `Long, then.\n</think>\n\n${'words and '.repeat(400)}`},
  {
    match: 'Write a file',
    answer: 'A file.\n</think>\n\n\n' +
        callText('write_file', {path: 'a.xml', text: '<parameter name="x">1</parameter>\n'})
  },
  {
    match: 'broken call',
    answer: 'Hm.\n</think>\n\n\n<minimax:tool_call>\nno call at all\n</minimax:tool_call>'
  },
  {match: 'No thinking', answer: 'Straight away.'},
];
