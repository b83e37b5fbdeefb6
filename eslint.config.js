import js from '@eslint/js';
import ts from 'typescript-eslint';
import { importX } from 'eslint-plugin-import-x';

// Which folder may import which: see ../shared design "Folders". One top-level folder per process, plus what they share.
const zones = [
  { target: './common', from: ['./rtp', './coreservice', './channelserver', './daemon', './client', './gen'] },
  { target: './rtp', from: ['./common', './coreservice', './channelserver', './daemon', './client', './gen'] },
  { target: './coreservice', from: ['./channelserver', './daemon', './client', './gen'] },
  { target: './channelserver', from: ['./coreservice', './daemon', './client', './gen'] },
  { target: './client', from: ['./coreservice', './channelserver', './daemon', './rtp'] },
  { target: './daemon', from: ['./channelserver', './client', './rtp'] },
  { target: './daemon', from: ['./coreservice'], except: ['./ipc'] },
  // Inside the core service: engine uses rtc, codec and ipc; those three do not know one another.
  { target: './coreservice/ipc', from: ['./coreservice/engine', './coreservice/rtc', './coreservice/codec'] },
  { target: './coreservice/rtc', from: ['./coreservice/engine', './coreservice/codec', './coreservice/ipc'] },
  { target: './coreservice/codec', from: ['./coreservice/engine', './coreservice/rtc', './coreservice/ipc'] },
  // Inside the daemon: api, then engine, then events and media, then ipc.
  { target: './daemon/engine', from: ['./daemon/api'] },
  { target: './daemon/events', from: ['./daemon/api', './daemon/engine'] },
  { target: './daemon/media', from: ['./daemon/api', './daemon/engine'] },
];

export default ts.config(
  { ignores: ['node_modules', 'dist', 'gen', 'out', '.cache'] },
  js.configs.recommended,
  ...ts.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { 'import-x': importX },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unsafe-enum-comparison': 'off',
      'import-x/no-restricted-paths': ['error', { zones, basePath: import.meta.dirname }],
    },
  },
  {
    // Mocha's describe and it return promises that mocha itself awaits.
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-floating-promises': [
        'error',
        { allowForKnownSafeCalls: [{ from: 'package', name: ['it', 'describe'], package: 'mocha' }] },
      ],
    },
  },
  { files: ['**/*.js', '**/*.mjs'], ...ts.configs.disableTypeChecked },
  { files: ['**/*.js', '**/*.mjs'], languageOptions: { globals: { process: 'readonly', console: 'readonly' } } },
);
