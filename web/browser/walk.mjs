// The walk through the page: a real browser, a real OpenID Connect provider, a real umpin-web with TLS of its own, all
// on loopback. Started by tests/browser.rs, which makes the store and says where everything is.
//
//   node walk.mjs SETTINGS.json
//
// Prints one line for each thing that was seen. Anything else than expected is an error and the exit status 1.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import net from 'node:net';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const settings = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const { folder, program, umpin, tools, pictures, pickup } = settings;
const require = createRequire(path.join(tools, 'node_modules', 'x.js'));
const { chromium } = require('playwright-core');
const { default: Provider } = await import(pathToFileURL(path.join(tools, 'node_modules/oidc-provider/lib/index.js')));
const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const seen = (what) => console.log(`seen: ${what}`);
const started = [];
const broken = [];

async function freePort() {
    const server = net.createServer();
    await new Promise((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address();
    await new Promise((done) => server.close(done));
    return port;
}

// The provider: whoever types a name is that person; the groups are in the settings.
async function startProvider(url) {
    const server = http.createServer();
    await new Promise((done) => server.listen(0, '127.0.0.1', done));
    const issuer = `http://127.0.0.1:${server.address().port}`;
    const provider = new Provider(issuer, {
        clients: [{
            client_id: 'umpin-web',
            client_secret: 'not a secret on loopback',
            redirect_uris: [`${url}/sign-in/return`],
            post_logout_redirect_uris: [`${url}/signed-out`],
        }],
        claims: { openid: ['sub'], profile: ['preferred_username', 'groups'], email: ['email', 'email_verified'] },
        conformIdTokenClaims: false,
        pkce: { required: () => true },
        cookies: { keys: ['loopback'] },
        features: { devInteractions: { enabled: true } },
        findAccount: (_, id) => ({
            accountId: id,
            claims: () => ({ sub: id, preferred_username: id, groups: settings.groups[id] ?? [] }),
        }),
    });
    server.on('request', provider.callback());
    return { issuer, server };
}

async function startPage(url, port, issuer) {
    const certificate = path.join(folder, 'certificate.pem');
    const key = path.join(folder, 'private-key.pem');
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
        '-keyout', key, '-out', certificate, '-days', '2', '-subj', '/CN=127.0.0.1', '-addext',
        'subjectAltName=IP:127.0.0.1'],
    { stdio: 'ignore' });
    const secret = path.join(folder, 'secret');
    fs.writeFileSync(secret, 'not a secret on loopback\n', { mode: 0o600 });
    const configuration = path.join(folder, 'web.toml');
    fs.writeFileSync(configuration, `url = '${url}'\n[openid]\nissuer = '${issuer}'\nclient_id = 'umpin-web'\n`
        + `client_secret_file = '${secret}'\n`
        + "[roles]\nhelp_desk = ['helpdesk']\ntype_pin = ['lead']\nauditor = ['audit']\n", { mode: 0o600 });
    const child = spawn(program, ['--listen', `127.0.0.1:${port}`, '--config', configuration,
        '--certificate', certificate, '--private-key', key, '--store', settings.store, '--key-file', settings.keyFile],
    { env: { ...process.env, NO_PROXY: '127.0.0.1', TZ: 'UTC' }, stdio: ['ignore', 'ignore', 'pipe'] });
    started.push(child);
    let log = '';
    await new Promise((done, failed) => {
        child.stderr.on('data', (text) => {
            log += text;
            if (log.includes('listening on')) done();
        });
        child.on('exit', () => failed(new Error(`umpin-web ended: ${log}`)));
    });
    return () => log;
}

// Signs in as somebody; on any page of the provider's.
async function signIn(page, url, name, to = '/') {
    await page.goto(url + to);
    await page.fill('input[name=login]', name);
    await page.fill('input[name=password]', 'any');
    const send = async () => {
        const before = page.url();
        const onward = page.waitForURL((now) => now.href.startsWith(url)
            || (now.href !== before && now.pathname.startsWith('/interaction')));
        await page.click('button[type=submit]');
        await onward;
    };
    await send();
    // The provider asks for consent once for each session of its own.
    if (!page.url().startsWith(url)) await send();
    assert.ok(page.url().startsWith(url), page.url());
}

function mails() {
    return fs.readdirSync(pickup).filter((name) => name.endsWith('.eml'))
        .map((name) => fs.readFileSync(path.join(pickup, name), 'utf8').replaceAll('=\r\n', ''));
}

function pinFor(address) {
    const own = mails().filter((mail) => new RegExp(`^To:.*${address}`, 'm').test(mail));
    assert.equal(own.length, 1, `mails to ${address}`);
    return /^ {2}(?:PIN|Code)[^:]*: (\d+)/m.exec(own[0])[1];
}

// The telephone's question.
function verify(extension, pin) {
    const asked = spawnSync(umpin,
        ['--store', settings.store, '--key-file', settings.keyFile, 'verify', '--extension', extension],
        { input: `${pin}\n`, encoding: 'utf8' });
    return JSON.parse(asked.stdout);
}

async function check(page, what) {
    await page.evaluate(axe);
    const told = await page.evaluate(() => globalThis.axe.run(document, {
        runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    }));
    const nodes = (v) => v.nodes.map((n) => `${n.html} ${n.failureSummary}`).join('; ');
    const wrong = told.violations.map((v) => `${v.id}: ${nodes(v)}`);
    broken.push(...wrong.map((text) => `${what}: ${text}`));
    const wide = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
    if (wide) broken.push(`${what} scrolls sideways`);
}

async function walk() {
    const port = await freePort();
    const url = `https://127.0.0.1:${port}`;
    const { issuer, server } = await startProvider(url);
    const log = await startPage(url, port, issuer);
    const browser = await chromium.launch({
        executablePath: path.join(tools, 'bin/chromium-headless-shell'),
        args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking'],
    });
    started.push({ kill: () => browser.close().catch(() => {}) });
    const requested = [];
    const context = async (options) => {
        const made = await browser.newContext({ ignoreHTTPSErrors: true, locale: 'en-GB', ...options });
        made.setDefaultTimeout(120_000);
        // What a page of ours asks for; the provider's own pages would fetch their letters from elsewhere.
        made.on('request', (request) => {
            if (request.isNavigationRequest() || request.frame().url().startsWith(url)) requested.push(request.url());
        });
        await made.route((asked) => asked.hostname !== '127.0.0.1', (route) => route.abort());
        return made;
    };

    // Everything that is done, without JavaScript.
    const plain = { javaScriptEnabled: false };
    const desk = await (await context(plain)).newPage();
    await signIn(desk, url, 'user0@contoso.com');
    assert.equal(new URL(desk.url()).pathname, '/people');
    const cookies = await desk.context().cookies(url);
    const session = cookies.find((cookie) => cookie.name === '__Host-umpin');
    assert.ok(session && session.secure && session.httpOnly && session.sameSite === 'Lax', JSON.stringify(cookies));
    seen('the help desk signed in through the provider, without JavaScript');
    assert.equal(verify('50001', settings.pin).result, 'refused');
    await desk.fill('#q', '50001');
    await desk.keyboard.press('Enter');
    await desk.waitForURL('**/people/*-*');
    assert.match(await desk.textContent('main'), /Locked out/);
    await desk.click('text=Reset PIN');
    await desk.click('button:text("Continue")');
    assert.match(await desk.textContent('blockquote'),
        /^Performing the operation "Set a new UM PIN" on target "contoso.com\/Users\/User 1"\.$/);
    assert.equal(mails().length, 0);
    await desk.click('button:text("Reset PIN")');
    assert.match(await desk.textContent('[role=status]'), /The PIN was reset and the notice was sent/);
    assert.match(await desk.textContent('main'), /Not locked out/);
    assert.match(await desk.textContent('table'), /user0@contoso\.com/);
    const reset = pinFor('user1@contoso.com');
    assert.deepEqual(verify('50001', reset), { result: 'accepted', mustChange: true, setUpDue: true });
    seen('a locked person\'s PIN was reset, the mail arrived, and umpin verify accepts it');

    const own = await (await context(plain)).newPage();
    await signIn(own, url, 'user2@contoso.com');
    assert.equal(new URL(own.url()).pathname, '/my');
    assert.equal(await own.locator('nav a').count(), 1);
    for (const elsewhere of ['/people', '/people?q=user1', new URL(desk.url()).pathname]) {
        const refused = await own.goto(url + elsewhere);
        assert.equal(refused.status(), 403);
        assert.ok(!(await own.content()).includes('user1'));
    }
    seen('a person without a role sees only their own');
    await own.goto(`${url}/my`);
    await own.click('text=Reset my PIN');
    await own.click('button:text("Reset my PIN")');
    assert.match(await own.textContent('[role=status]'), /mailed to you/);
    const mailed = pinFor('user2@contoso.com');
    await own.click('text=Change my PIN');
    await own.fill('#old', mailed);
    await own.fill('#new', '111111');
    await own.fill('#again', '111111');
    await own.click('button:text("Change")');
    assert.match(await own.textContent('#rules'), /Not one run of digits.*\(broken\)/);
    await own.fill('#old', mailed);
    await own.fill('#new', '580437');
    await own.fill('#again', '580437');
    await own.click('button:text("Change")');
    assert.match(await own.textContent('[role=status]'), /Your PIN was changed/);
    assert.deepEqual(verify('50002', '580437'), { result: 'accepted', mustChange: false, setUpDue: false });
    seen('a person reset and changed their own PIN');
    await own.click('button:text("Sign out")');
    assert.match(await own.textContent('h1'), /signed out/);
    const after = await own.context().request.get(`${url}/my`, { maxRedirects: 0, ignoreHTTPSErrors: true });
    assert.equal(after.status(), 303);
    seen('signing out ended the session');

    const french = await (await context({ ...plain, locale: 'fr-FR' })).newPage();
    await signIn(french, url, 'user2@contoso.com');
    assert.equal(await french.getAttribute('html', 'lang'), 'fr');
    assert.match(await french.textContent('h1'), /Ma messagerie vocale/);
    seen('French, by the browser\'s language');

    // By keyboard alone: the first key leads past the navigation.
    await desk.goto(`${url}/people`);
    await desk.keyboard.press('Tab');
    assert.equal(await desk.locator(':focus').getAttribute('href'), '#content');

    // Each page, by the accessibility checker, in each look; the checker alone needs JavaScript.
    const guids = settings.guids;
    const pages = {
        'my-voice-mail': '/my', 'my-reset': '/my/reset', 'my-pin': '/my/pin', find: '/people', found: '/people?q=User',
        attention: '/people/attention', person: `/people/${guids[1]}`, greek: `/people/${guids[3]}`,
        locked: `/people/${guids[4]}`, reset: `/people/${guids[3]}/reset`, lock: `/people/${guids[3]}/lock`,
        unlock: `/people/${guids[4]}/unlock`, 'not-found': '/people/nobody', 'signed-out': '/signed-out',
    };
    const looks = {
        light: { viewport: { width: 1000, height: 700 }, colorScheme: 'light' },
        dark: { viewport: { width: 1000, height: 700 }, colorScheme: 'dark' },
        phone: { viewport: { width: 360, height: 740 }, colorScheme: 'light', isMobile: true },
    };
    let checked = 0;
    for (const [look, options] of Object.entries(looks)) {
        for (const locale of look === 'light' ? ['en-GB', 'fr-FR'] : ['en-GB']) {
            const page = await (await context({ ...options, locale })).newPage();
            await signIn(page, url, 'lead@contoso.com');
            const picture = async (name) => {
                // A click waits for the answer to begin, not for its style sheet.
                await page.waitForLoadState('load');
                checked += 1;
                await check(page, `${name}, ${look}, ${locale}`);
                if (pictures) {
                    const file = `${name}-${look}${locale === 'fr-FR' ? '-fr' : ''}.png`;
                    await page.screenshot({ path: path.join(pictures, file), fullPage: true });
                }
            };
            for (const [name, address] of Object.entries(pages)) {
                await page.goto(url + address);
                await picture(name);
            }
            await page.goto(`${url}/people/${guids[3]}/reset`);
            await page.locator('form.stack button[type=submit]').click();
            await picture('confirm');
            await page.goto(`${url}/my/pin`);
            await page.fill('#old', '111111');
            await page.fill('#new', '123456');
            await page.fill('#again', '123457');
            await page.locator('form.stack button[type=submit]').click();
            await picture('my-pin-broken');
            await page.context().close();
        }
    }
    assert.deepEqual(broken, []);
    seen(`no violation of axe-core's rules on ${checked} pages: light, dark, a phone's width, French`);

    const foreign = requested.filter((asked) => !asked.startsWith(url) && !asked.startsWith(issuer));
    assert.deepEqual(foreign, []);
    for (const pin of [reset, mailed, '580437']) {
        assert.ok(!log().includes(pin) && !requested.some((asked) => asked.includes(pin)));
    }
    seen('no request elsewhere, and no PIN in the log or an address');

    await new Promise((done) => {
        server.close(done);
        server.closeAllConnections();
    });
    await browser.close();
}

try {
    await walk();
} catch (e) {
    console.error(e);
    process.exitCode = 1;
} finally {
    for (const one of started) one.kill();
}
process.exit();
