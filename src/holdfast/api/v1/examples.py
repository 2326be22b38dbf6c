"""Bodies that could be sent, for the description of the API. The people and numbers in them are made up."""

from __future__ import annotations

ORDER = {
    "lines": [
        {
            "slot_id": "0198c5a2-7d3c-7c1e-9b6a-3f2d5e8a1c47",
            "price_id": "palace-museum-entry-adult",
            "quantity": 1,
            "travellers": [{"name": "张三", "document_type": "cn_resident_id", "document": "11010519491231002X"}],
            "quoted_minor": 6000,
        }
    ],
    "phone": "13800138000",
    "locale": "zh",
}
QUOTE = {
    "lines": [
        {"slot_id": "0198c5a2-7d3c-7c1e-9b6a-3f2d5e8a1c47", "price_id": "palace-museum-entry-adult", "quantity": 2}
    ],
    "code": "",
    "locale": "zh",
}
PAYMENT = {"provider": "alipay", "method": "page", "return_url": "https://shop.example/thanks"}
REFUND = {"amount": {"amount_minor": 6000, "currency": "CNY"}, "reason": "The attraction closed early."}
LOOKUP = {"number": "7K3QF-90XMA", "phone": "13800138000"}
CODE = {"phone": "13800138000", "locale": "zh"}
SESSION = {"phone": "13800138000", "code": "123456", "kept": True, "device": "My phone"}
CASE = {
    "kind": "charged",
    "words": "WeChat shows a payment of 60 yuan, and I find no order.",
    "order": "",
    "people": 1,
    "phone": "13800138000",
    "code": "123456",
    "locale": "en",
}
