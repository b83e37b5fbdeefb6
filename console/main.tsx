import { render } from 'preact';
import 'uplot/dist/uPlot.min.css';
import './styles/tokens.css';
import './styles/base.css';
import './styles/layout.css';
import './styles/parts.css';
import './styles/tables.css';
import './styles/channel.css';
import { App } from './app.js';

const root = document.getElementById('app');
if (root !== null) render(<App />, root);
