const { target, requirePeer, listen } = require('./front.cjs')

const { proxy } = requirePeer('fast-proxy')({ base: target })
listen((req, res) => proxy(req, res, req.url, {}))
