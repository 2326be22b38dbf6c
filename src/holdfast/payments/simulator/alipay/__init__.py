"""Alipay's open platform: one gateway, strict; trades that exist only once somebody has scanned or opened them.

Supported: ``alipay.trade.precreate``, ``page.pay``, ``query``, ``close``, ``cancel``, ``refund``, ``fastpay.refund.query``
and ``alipay.data.dataservice.bill.downloadurl.query``. `/alipay/pay/{token}` is the payer's side. In the truth, the
state of an order whose code nobody has scanned is ``NOT_SCANNED``; an order for the page is unknown until it is opened.
"""
