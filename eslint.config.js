import js from '@eslint/js';
import ts from 'typescript-eslint';

// Which folder may not import which (design: one top-level folder per process, plus what they share; imports go one way).
const top = [
  'common',
  'rtp',
  'webrtc',
  'coreservice',
  'channelserver',
  'daemon',
  'client',
  'console',
  'gen',
  'test',
  'bench',
  'examples',
];
const only = (...allowed) => top.filter((folder) => !allowed.includes(folder)).map((folder) => `/${folder}/`);

/** Relative imports whose path, seen from the files, leads into one of the folders. */
function boundary(files, folders) {
  const names = folders.map((folder) => folder.replaceAll('/', ' ').trim().replaceAll(' ', '/')).join('|');
  const message = `${files} may not import ${names.replaceAll('|', ', ')}`;
  return {
    files: [files],
    rules: { 'no-restricted-imports': ['error', { patterns: [{ regex: `^(\\.\\.?/)+(${names})/`, message }] }] },
  };
}

const boundaries = [
  boundary('common/**', only('common')),
  boundary('rtp/**', only('rtp')),
  boundary('webrtc/**', only('webrtc', 'rtp')),
  // Of the daemon the page knows the types of its answers alone.
  boundary('console/**', only('console', 'common')),
  boundary('client/**', only('client', 'common', 'gen')),
  // It tries what the daemon would do: with the daemon's own code.
  boundary('client/cli/doctor/**', [
    ...only('client', 'common', 'gen', 'daemon', 'coreservice'),
    'coreservice/(?!ipc/)[^/]+',
  ]),
  boundary('channelserver/**', only('channelserver', 'common', 'rtp', 'webrtc')),
  boundary('coreservice/**', only('coreservice', 'common', 'rtp')),
  // Inside the core service: engine uses rtc, codec and ipc; those three do not know one another.
  boundary('coreservice/ipc/**', [...only('coreservice', 'common'), 'engine', 'rtc', 'codec', 'bin']),
  boundary('coreservice/rtc/**', [...only('coreservice', 'common', 'rtp', 'webrtc'), 'engine', 'codec', 'ipc', 'bin']),
  boundary('coreservice/codec/**', [...only('coreservice', 'common', 'rtp'), 'engine', 'rtc', 'ipc', 'bin']),
  // Inside the daemon: api, then engine, then events and media, then the IPC of the core service, all of it that the daemon may know.
  boundary('daemon/**', [...only('daemon', 'common', 'gen', 'coreservice'), 'coreservice/(?!ipc/)[^/]+']),
  boundary('daemon/engine/**', [...only('daemon', 'common', 'gen', 'coreservice'), 'coreservice/(?!ipc/)[^/]+', 'api']),
  boundary('daemon/{events,media}/**', [
    ...only('daemon', 'common', 'gen', 'coreservice'),
    'coreservice/(?!ipc/)[^/]+',
    'api',
    'engine',
  ]),
];

export default ts.config(
  { ignores: ['node_modules', 'dist', 'gen', 'out', '.cache'] },
  js.configs.recommended,
  ...ts.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unsafe-enum-comparison': 'off',
    },
  },
  ...boundaries,
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
  {
    files: ['**/*.js', '**/*.mjs'],
    languageOptions: {
      globals: Object.fromEntries(
        ['process', 'console', 'Buffer', 'URL', 'setTimeout', 'setInterval', 'clearTimeout', 'clearInterval'].map(
          (name) => [name, 'readonly'],
        ),
      ),
    },
  },
);
