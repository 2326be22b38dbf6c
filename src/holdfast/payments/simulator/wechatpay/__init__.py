"""WeChat Pay APIv3: Native and H5 orders, refunds, bills, callbacks, and platform keys that change."""
